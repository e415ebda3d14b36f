"""What every API view shares."""
