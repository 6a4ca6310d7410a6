"""Between torch and the compiled engine: tensors in, numbers underneath, tensors out.

specification   what stays the same from solve to solve: problem, options, strategy
points          the numbers of solves, checked
plain           solves, on numpy arrays
numbers         the same with derivatives: records and pulls back
parts           batches in threads
functions       the same as torch functions that every transform differentiates rightly
formula         expressions of a model as torch functions
start           initial values and time span that follow the parameters
operators       the same as operators, for torch.compile
"""
