"""initialisation"""
