"""The shape of the convolutions of a hybrid, and what follows from it by arithmetic. No JAX here."""

import dataclasses


@dataclasses.dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """The convolutions before the patches of a hybrid.

    Attributes:
        num_blocks: bottleneck units in each stage; empty for the stem alone.
        width: channels of the stem; stage `i` has bottlenecks of `width * 2**i` and gives 4 times as many.
    """

    num_blocks: tuple[int, ...] = ()
    width: int = 64

    @property
    def stride(self) -> int:
        """Pixels per output cell along a side: stem and pooling halve, and so does each stage after the first."""
        return 4 << max(len(self.num_blocks) - 1, 0)

    @property
    def out_channels(self) -> int:
        """Channels of the last feature map."""
        return self.width << (len(self.num_blocks) + 1) if self.num_blocks else self.width

    @property
    def num_params(self) -> int:
        """Exact count of kernels (without biases) and of GroupNorm scales and biases."""
        total = 7 * 7 * 3 * self.width + 2 * self.width
        channels = self.width
        for stage, units in enumerate(self.num_blocks):
            features = self.width * 2**stage
            inner = features * features * 9 + features * 4 * features + 2 * (features + features + 4 * features)
            projection = channels * 4 * features + 2 * 4 * features
            total += channels * features + inner + projection
            total += (units - 1) * (4 * features * features + inner)
            channels = 4 * features
        return total
