"""The main road once, with little of everything: a declaration, two models, their files, a report."""

import jax

jax.config.update("jax_enable_x64", True)

import symlnn  # noqa: E402  after the precision is set

small = symlnn.Architecture(width=8, depth=1)
system = symlnn.load_system("pendulum")
models = {name: symlnn.find_model(name, architecture=small) for name in ("lnn", "nn")}
effort = symlnn.Effort(symlnn.Budget(steps=(40, 4)), test_states=500, trajectories=3, check_states=200, quick=True)
result = symlnn.validate(system, models, out="report", effort=effort)
assert result.check.passed
start = symlnn.sample_states(system, 2, key=jax.random.key(0), initial=True)
for name in models:
    model = symlnn.load_model(f"report/models/{name}.eqx").dynamics
    assert bool(symlnn.simulate(model, start, duration=0.5).successful.all())
symlnn.save_dataset("motions.nc", symlnn.generate_trajectories(system, 2, duration=1.0))
symlnn.load_dataset("motions.nc", system)
