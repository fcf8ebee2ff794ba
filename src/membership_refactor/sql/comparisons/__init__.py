"""What has to be equal at each stage, and which side repair trusts."""
