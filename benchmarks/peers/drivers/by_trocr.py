"""TrOCR's network with random weights, for speed alone: its weights are in no package.

As many tokens are generated as the line's text would take, four characters each: a network with
random weights does not know where to stop.
"""

from importlib.metadata import version
from typing import Any

from driver import Found, Read, drive

CHARACTERS = 4
"""Of English in a token of its vocabulary, about."""


def open_reader(job: dict[str, Any]) -> tuple[Read, dict[str, str]]:
    import numpy as np
    import torch
    from PIL import Image
    from transformers import (
        TrOCRConfig,
        VisionEncoderDecoderConfig,
        VisionEncoderDecoderModel,
        ViTConfig,
    )

    torch.set_num_threads(job["threads"])
    torch.manual_seed(0)
    encoder = ViTConfig(image_size=384, qkv_bias=False)  # the base size is its default
    decoder = TrOCRConfig(
        is_decoder=True, add_cross_attention=True, cross_attention_hidden_size=encoder.hidden_size
    )
    config = VisionEncoderDecoderConfig.from_encoder_decoder_configs(encoder, decoder)
    network = VisionEncoderDecoderModel(config=config).eval()
    tokens = job["options"]["characters"] // CHARACTERS

    @torch.inference_mode()
    def line(path: str) -> Found:
        picture = Image.open(path).convert("RGB").resize((384, 384))
        pixels = torch.from_numpy(np.array(picture, np.float32)).permute(2, 0, 1)[None]
        network.generate(
            pixels / 127.5 - 1,
            min_new_tokens=tokens,
            max_new_tokens=tokens,
            do_sample=False,
            decoder_start_token_id=2,
            pad_token_id=1,
            eos_token_id=2,
        )
        return {"text": None}

    millions = sum(each.numel() for each in network.parameters()) / 1e6
    return line, {"transformers": version("transformers"), "parameters": f"{millions:.0f} million"}


if __name__ == "__main__":
    drive(open_reader)
