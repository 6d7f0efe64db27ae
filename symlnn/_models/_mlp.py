"""Multilayer perceptrons: activations and initialisations by name."""

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._types import Key

ACTIVATIONS: Mapping[str, Callable[[Array], Array]] = {
    "softplus": jax.nn.softplus,
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
    "relu2": lambda x: jax.nn.relu(x) ** 2,
    "relu3": lambda x: jax.nn.relu(x) ** 3,
}
"""Activations whose second derivative, which the accelerations contain, is not zero everywhere."""


def cranmer_std(layer: int, layers: int, fan_in: int, width: int) -> float:
    """The standard deviation of the weights of layer `layer` (from 0) of `layers`, for an LNN with `width` units:

        σ = (1/√n) · { 2.2 for the first layer, 0.58 i for hidden layer i, n for the output layer }.

    With 4 layers and n = 100 these are 0.22, 0.058, 0.116 and 10. Fitted for two coordinates and two velocities drawn
    from unit Gaussians. Source: Cranmer et al. 2020 (arXiv:2003.04630), eq. 16.
    """
    if layer == 0:
        return 2.2 / math.sqrt(width)
    if layer == layers - 1:
        return math.sqrt(width)
    return 0.58 * layer / math.sqrt(width)


INITIALIZATIONS: Mapping[str, Callable[[int, int, int, int], float]] = {
    "lecun": lambda layer, layers, fan_in, width: 1 / math.sqrt(fan_in),
    "he": lambda layer, layers, fan_in, width: math.sqrt(2 / fan_in),
    "glorot": lambda layer, layers, fan_in, width: math.sqrt(2 / (fan_in + (1 if layer == layers - 1 else width))),
    "cranmer": cranmer_std,
}
"""Standard deviations σ(layer, layers, fan_in, width) of the normally distributed weights; biases are zero."""


_WIDEST, _DEEPEST = 2**16, 2**8


@dataclass(frozen=True)
class Architecture:
    """The size and kind of a model's networks. `depth` counts hidden layers, so `depth + 1` weight matrices."""

    width: int = 32
    depth: int = 3
    activation: str = "silu"
    initialization: str = "lecun"

    def __post_init__(self) -> None:
        for name, most in (("width", _WIDEST), ("depth", _DEEPEST)):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if whole:
                object.__setattr__(self, name, int(value))
            if not (whole and 1 <= value <= most):
                raise ValueError(f"{name} must be a whole number from 1 to {most:,}, but is {value!r}.")
        for name, known in (("activation", ACTIVATIONS), ("initialization", INITIALIZATIONS)):
            if getattr(self, name) not in known:
                raise ValueError(f"Unknown {name} {getattr(self, name)!r}; choose one of {', '.join(known)}.")


@eqx.filter_jit
def _normal_weights(key: Key, sizes: tuple[int, ...], stds: tuple[float, ...]) -> tuple[Array, ...]:
    """The weights of all layers, by one program: each for itself, they take a second to compile."""
    shapes = [(rows, columns) for columns, rows in itertools.pairwise(sizes)]
    ends = np.cumsum([0, *(rows * columns for rows, columns in shapes)])
    drawn = jax.random.normal(key, (int(ends[-1]),))
    return tuple(
        std * drawn[a:b].reshape(shape)
        for (a, b), shape, std in zip(itertools.pairwise(ends), shapes, stds, strict=True)
    )


class MLP(eqx.Module):
    """W_d σ(… σ(W₀ x + b₀) …) + b_d, with the weights and the activation that an `Architecture` names."""

    weights: tuple[Float[Array, "rows columns"], ...]
    biases: tuple[Float[Array, " rows"], ...]
    activation: str = eqx.field(static=True)

    def __init__(self, in_size: int, out_size: int, architecture: Architecture, *, key: Key):
        width, depth = architecture.width, architecture.depth
        sizes = [in_size, *[width] * depth, out_size]
        std = INITIALIZATIONS[architecture.initialization]
        stds = tuple(std(layer, depth + 1, sizes[layer], width) for layer in range(depth + 1))
        self.weights = _normal_weights(key, tuple(sizes), stds)
        self.biases = tuple(jnp.zeros(size) for size in sizes[1:])
        self.activation = architecture.activation

    def __call__(self, x: Float[Array, " in_size"]) -> Float[Array, " out_size"]:
        """The output at one input."""
        activation = ACTIVATIONS[self.activation]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = activation(weight @ x + bias)
        return self.weights[-1] @ x + self.biases[-1]

    def curvature(
        self, x: Float[Array, " in_size"], directions: Float[Array, "directions in_size"]
    ) -> tuple[Float[Array, " in_size"], Float[Array, "directions directions"]]:
        """∇N and uᵢᵀ(∇∇ᵀN) uⱼ along some directions uᵢ, of a network N of one output.

        With zₗ what enters the activations of layer l and δₗ the derivative of N by what leaves them,

            uᵢᵀ(∇∇ᵀN) uⱼ = Σₗ Σₙ δₗₙ σ″(zₗₙ) (∂zₗₙ/∂x · uᵢ) (∂zₗₙ/∂x · uⱼ),

        so that one forward pass with a tangent for each direction and one backward pass without any are enough.
        """
        activation = ACTIVATIONS[self.activation]
        ones = jnp.ones_like(self.biases[0])

        def slope(z: Array) -> tuple[Array, Array]:
            return jax.jvp(activation, (z,), (ones,))

        rows = jnp.concatenate([x[None], directions])
        layers = []
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            entering = rows @ weight.T
            (value, first), (_, second) = jax.jvp(slope, (entering[0] + bias,), (ones,))
            layers.append((weight, entering[1:], first, second))
            rows = jnp.concatenate([value[None], first * entering[1:]])
        gradient = self.weights[-1][0]
        form = jnp.zeros((len(directions), len(directions)), x.dtype)
        for weight, tangents, first, second in reversed(layers):
            form = form + (tangents * (gradient * second)) @ tangents.T
            gradient = (gradient * first) @ weight
        return gradient, form
