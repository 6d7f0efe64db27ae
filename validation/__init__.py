"""Studies: each reproduces a published result, measures it anew, and writes a report.

`python -m validation NAME --out DIR` runs one; `python -m validation --list` names them.
"""
