"""The American College of Radiology: its appendix, narrative and evidence table."""
