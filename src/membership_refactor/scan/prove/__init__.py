"""Old and new form executed over data made to tell them apart."""
