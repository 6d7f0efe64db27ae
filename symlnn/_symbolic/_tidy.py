"""A form to read, with a bound in work: SymPy's `simplify` takes minutes on what a few hundred operations hold."""

import math

import sympy as sp

_SIMPLIFY_BELOW = 70
"""Operations."""
_GENERATORS = 12
"""Different symbols and functions, in polynomials of all of which `simplify` looks for factors."""
_EXPAND_BELOW = 2000
"""Terms that the expanded form would have."""
_LARGEST_MULTIPLE = 12
"""Of an angle or an exponent, that SymPy would write out: cos(100 t) has a hundred terms in cos(t)."""


def tidy(expression: sp.Expr) -> sp.Expr:
    """The expression in a readable form: equal in value, never longer, and found quickly whatever its size.

    Small expressions get `simplify`; larger ones are expanded, which cancels terms, and their common factors taken out;
    what would grow too long by that stays as it is. Nothing numerical waits for it.
    """
    candidates = [expression]
    if sp.count_ops(expression) < _SIMPLIFY_BELOW and _is_simple(expression):
        # sums of three angles stay whole: SymPy would write them out in each of the angles
        angles = {f.args[0] for f in expression.atoms(sp.sin, sp.cos) if f.args[0].is_Add and len(f.args[0].args) > 2}
        whole = {angle: sp.Dummy("angle", real=True) for angle in angles}
        found = sp.simplify(expression.xreplace(whole))
        candidates.append(found.xreplace({symbol: angle for angle, symbol in whole.items()}))
        return min(candidates, key=sp.count_ops)
    # sums of masses, say, stay whole in one of the forms: m1 + m2 in every term is not to be multiplied out
    sums = [x for x in expression.atoms(sp.Add) if all(term.is_Symbol for term in x.args)]
    for kept in dict.fromkeys(((), tuple(sorted(sums, key=sp.default_sort_key)))):
        names = {x: sp.Dummy("sum", **x.assumptions0) for x in kept}
        form = expression.xreplace(names)
        if _expanded_terms(form) < _EXPAND_BELOW:
            expanded = sp.expand(form, power_base=False, power_exp=False, log=False)
            back = {name: x for x, name in names.items()}
            candidates += [expanded.xreplace(back), sp.factor_terms(expanded).xreplace(back)]
    return min(candidates, key=sp.count_ops)


def _is_simple(expression: sp.Expr) -> bool:
    """Whether `simplify` is quick on it: it factors polynomials in everything that is different, looks for relations
    between different roots, and writes multiples out."""
    functions = expression.atoms(sp.Function)
    outside = expression.xreplace({f: sp.S.One for f in functions}).free_symbols
    if len(functions) + len(outside) > _GENERATORS:
        return False
    roots = {power.base for power in expression.atoms(sp.Pow) if not power.exp.is_Integer and power.base.is_Add}
    multiples = [n for f in expression.atoms(sp.Function) for n in f.atoms(sp.Integer)]
    multiples += [power.exp for power in expression.atoms(sp.Pow) if power.exp.is_Integer]
    return len(roots) < 2 and all(abs(n) <= _LARGEST_MULTIPLE for n in multiples)


def _expanded_terms(expression: sp.Expr) -> float:
    """How many terms the expression has when products and powers of sums are multiplied out; at most."""
    if expression.is_Add:
        return sum(map(_expanded_terms, expression.args), 0.0)
    if expression.is_Mul:
        return math.prod(map(_expanded_terms, expression.args), start=1.0)
    if expression.is_Pow and expression.exp.is_Integer:
        base, power = _expanded_terms(expression.base), abs(int(expression.exp))
        return 1.0 if base == 1 else math.inf if power > 100 else base**power
    return max((_expanded_terms(x) for x in expression.args if isinstance(x, sp.Expr)), default=1.0)
