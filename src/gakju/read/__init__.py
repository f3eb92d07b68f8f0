"""One file of any format to pages, read in worker processes under limits."""
