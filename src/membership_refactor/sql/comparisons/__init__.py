"""What has to agree at each stage, and which side is believed."""
