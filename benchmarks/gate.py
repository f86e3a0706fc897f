"""Whether two contestants compute the same; without that, a time is no result."""

import numpy as np

# As tests/oracle has it: logits are of order 1, and float32 sums come in another order.
LOGITS = 1e-4
# Of losses of order 3: each step adds up rounding of all gradients.
LOSSES = 1e-3
# Of logits in bfloat16, which has 8 bits.
CORRELATION = 0.999
LOSSES_BFLOAT16 = 0.05


def difference(theirs: np.ndarray, ours: np.ndarray, *, tolerance: float) -> tuple[bool, str]:
    """Compare numbers.

    Returns:
        Whether they agree, and a phrase or sentence that says how far they differ.

    Example:
        >>> difference(np.array([1.0, 2.0]), np.array([1.0, 2.5]), tolerance=1e-4)
        (False, 'Its answers differ by 0.5, more than 0.0001.')
    """
    if theirs.shape != ours.shape:
        return False, f"Its answers have the shape {theirs.shape} and not {ours.shape}."
    apart = float(np.abs(theirs.astype(np.float64) - ours.astype(np.float64)).max(initial=0.0))
    if not apart <= tolerance:  # a NaN is no agreement
        return False, f"Its answers differ by {apart:.2g}, more than {tolerance:g}."
    return True, f"answers differ by at most {apart:.1g}"


def alike(theirs: np.ndarray, ours: np.ndarray, *, least: float) -> tuple[bool, str]:
    """Compare numbers that both rounded to bfloat16 on the way: by their correlation.

    Returns:
        Whether they agree, and a phrase or sentence that says how well.
    """
    if theirs.shape != ours.shape:
        return False, f"Its answers have the shape {theirs.shape} and not {ours.shape}."
    both = np.corrcoef(theirs.astype(np.float64).ravel(), ours.astype(np.float64).ravel())[0, 1]
    if not both >= least:
        return False, f"Its answers correlate with ours by {both:.4f}, less than {least:g}."
    return True, f"answers correlate by {both:.5f}"


def agreement(theirs: np.ndarray, ours: np.ndarray, *, least: float) -> tuple[bool, str]:
    """Compare the likeliest classes of rows of logits.

    Returns:
        Whether enough of them agree, and a phrase or sentence that says how many.

    Example:
        >>> agreement(np.eye(4), np.eye(4), least=0.995)
        (True, 'top-1 agrees on 100.00 % of 4 images')
    """
    share = float((theirs.argmax(axis=1) == ours.argmax(axis=1)).mean())
    if not np.isfinite(theirs).all() or share < least:
        return False, f"Its top-1 agrees on {share:.2%} of {len(ours)} images, less than {least:.2%}."
    return True, f"top-1 agrees on {100 * share:.2f} % of {len(ours)} images"
