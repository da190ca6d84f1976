"""The whole HTTP surface, and nothing but it: check who asks, check the input, call one function below."""
