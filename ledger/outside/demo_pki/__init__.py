"""The test and demonstration PKI: ten certification authorities, with all that certomancer gives them (certificates,
OCSP, time-stamps) on this machine alone. Never for real use.

certomancer is an extra (``pip install 'zhengyin[demo]'``) and is loaded only where a PKI is made or opened.
"""
