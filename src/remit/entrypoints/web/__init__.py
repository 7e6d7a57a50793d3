"""People's pages: rendered here, filled by the same use cases as their JSON twins, moved by a little JavaScript of our
own.
"""
