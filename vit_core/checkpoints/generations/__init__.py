"""The tables of names, one file for each code base that wrote files."""
