"""Makes hugging_face.json: logits of tiny models by Hugging Face's own code.

Run with the extra `parity` (PyTorch and transformers):

    python tests/goldens/make_hugging_face.py

The weights are not stored: `weight_rule` gives them by name and shape. Computed in
float64, so a float32 run may be compared with a tolerance of its own.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from weight_rule import ruled_weight

BERT = {
    "vocab_size": 59,
    "hidden_size": 21,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 29,
    "max_position_embeddings": 23,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
}
ROBERTA = BERT | {
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-5,
    "pad_token_id": 1,
    "num_hidden_layers": 2,
}
CASES = {
    "bert": ("Bert", BERT),
    "bert_gelu_new": ("Bert", BERT | {"hidden_act": "gelu_new"}),
    "roberta": ("Roberta", ROBERTA),
    "roberta_other_padding": ("Roberta", ROBERTA | {"pad_token_id": 4}),
    "xlm_roberta": ("XLMRoberta", ROBERTA | {"hidden_act": "relu"}),
    "electra": ("Electra", BERT | {"embedding_size": 13, "num_hidden_layers": 2}),
    "electra_one_width": (
        "Electra",
        BERT | {"embedding_size": 21, "num_hidden_layers": 2, "hidden_act": "silu"},
    ),
    "distilbert": (
        "DistilBert",
        {
            "vocab_size": 59,
            "dim": 21,
            "n_layers": 2,
            "n_heads": 3,
            "hidden_dim": 29,
            "max_position_embeddings": 23,
            "activation": "gelu",
            "pad_token_id": 0,
        },
    ),
    "albert": (
        "Albert",
        BERT
        | {
            "embedding_size": 13,
            "num_hidden_layers": 3,
            "num_hidden_groups": 2,
            "inner_group_num": 2,
            "hidden_act": "gelu_new",
        },
    ),
    "albert_one_group": (
        "Albert",
        BERT
        | {
            "embedding_size": 21,
            "num_hidden_groups": 1,
            "inner_group_num": 1,
            "hidden_act": "gelu_pytorch_tanh",
        },
    ),
}
LENGTHS = (11, 7)
LONGEST = max(LENGTHS)


def make_inputs(config):
    """Returns token ids and segments of two rows, the second padded at its end."""
    places = np.arange(LONGEST)
    tokens = np.stack([5 + (17 * places) % 53, 7 + (23 * places) % 47])
    segments = np.stack([places > 4, places > 2]).astype(int)
    if config.get("type_vocab_size") != 2:
        segments *= 0
    tokens[1, LENGTHS[1] :] = config["pad_token_id"]
    segments[1, LENGTHS[1] :] = 0
    return tokens, segments


def logits_of(model, weights, tokens, segments, uses_segments):
    """Returns start and end logits [B, T, 2]."""
    state = {name: torch.tensor(value) for name, value in weights.items()}
    model.load_state_dict(state, strict=True)
    model.double()
    mask = np.arange(LONGEST) < np.array(LENGTHS)[:, None]
    inputs = {
        "input_ids": torch.tensor(tokens),
        "attention_mask": torch.tensor(mask.astype(int)),
    }
    if uses_segments:
        inputs["token_type_ids"] = torch.tensor(segments)
    with torch.no_grad():
        output = model(**inputs)
    return torch.stack([output.start_logits, output.end_logits], -1).numpy()


def make_case(family, values):
    """Returns everything that a test needs of one model."""
    config = getattr(transformers, family + "Config")(**values)
    model = getattr(transformers, family + "ForQuestionAnswering")(config).eval()
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    weights = {
        name: ruled_weight(name, tuple(shape)).astype(np.float64)
        for name, shape in shapes.items()
    }
    half = {name: value.astype(np.float16) for name, value in weights.items()}
    tokens, segments = make_inputs(values)
    uses_segments = family != "DistilBert"
    model.double()
    return {
        "config": values | {"model_type": config.model_type},
        "shapes": shapes,
        "token_ids": tokens.tolist(),
        "segment_ids": segments.tolist(),
        "lengths": list(LENGTHS),
        "logits": rounded(logits_of(model, weights, tokens, segments, uses_segments)),
        "logits_half": rounded(logits_of(model, half, tokens, segments, uses_segments)),
    }


def rounded(values):
    """Returns nested lists of numbers with eight decimals."""
    return np.round(values, 8).tolist()


def main():
    """Writes the file beside this script."""
    cases = {name: make_case(*case) for name, case in CASES.items()}
    content = {
        "made_with": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "cases": cases,
    }
    path = Path(__file__).with_name("hugging_face.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
