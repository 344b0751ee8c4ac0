"""brat's automatic annotation service: a text in, standoff annotations as JSON out."""
