"""The commands of `dlkit`, one file each: read arguments, call, print."""
