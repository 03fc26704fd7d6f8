"""One self-contained page: HTML, Bokeh for what is zoomed, pictures as data; draws and computes nothing."""
