"""Small helpers; nothing here imports the OpenMMLab stack by itself."""
