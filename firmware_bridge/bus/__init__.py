"""The serial side: one owner per line, frames cut out of noise, doors watched, coils protected."""
