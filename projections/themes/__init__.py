"""What a frontend shows: consultations, their themes, the contributions that the public may see."""
