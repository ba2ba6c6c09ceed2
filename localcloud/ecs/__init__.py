"""Local ECS 2014-05-26: instances boot their user data, and their services are processes."""
