from setuptools import setup

name = "prepaid_billing"
setup()
