"""The names and defaults that --help lists: to import the tables that they stand in takes seconds."""

MODELS = (
    "lnn",
    "lnn_plain",
    "delan",
    "magnetic",
    "hybrid",
    "hnn",
    "hnn_observed",
    "lgn",
    "nn",
    "gnn",
    "node",
    "node2",
)
RESIDUALS = ("acceleration", "plain_acceleration", "euler_lagrange", "vector_field", "trajectory")
BLACK_BOXES = ("delan", "nn")
SOLVERS = ("dopri8", "tsit5", "kvaerno5", "taylor", "variational", "implicit_midpoint")
ARCHITECTURE = {"width": 32, "depth": 3, "activation": "silu", "initialization": "lecun"}
LOSS = "l1"
