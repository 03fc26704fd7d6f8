"""From columns of files to checked series: what stands between a reader and a source."""
