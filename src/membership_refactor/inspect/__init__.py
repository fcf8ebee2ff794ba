"""What the verbs say: values, and their text, JSON and JUnit forms."""
