"""Models to take away: the published layout, safetensors under timm's names, a card, one zip."""
