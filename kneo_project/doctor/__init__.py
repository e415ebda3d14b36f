"""What is wrong with an installation, said in sentences: ``manage.py doctor``."""
