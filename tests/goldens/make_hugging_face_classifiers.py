"""Makes hugging_face_classifiers.json: logits of tiny classifiers by their own code.

Run with the extra `parity` (PyTorch and transformers):

    python tests/goldens/make_hugging_face_classifiers.py

As in `make_hugging_face.py`, of which the sizes are, weights are not stored and all is
computed in float64.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from make_hugging_face import CASES as READERS
from make_hugging_face import rounded
from weight_rule import ruled_weight

NAMES = ("no", "yes", "perhaps", "hardly", "never", "always", "once")
# Which classes each has; electra's two are called what transformers calls them.
CASES = {
    "bert": NAMES[:3],
    "bert_gelu_new": NAMES[:2],
    "roberta": NAMES[:5],
    "roberta_other_padding": NAMES[:3],
    "xlm_roberta": NAMES,
    "electra": None,
    "electra_one_width": NAMES[:5],
    "distilbert": NAMES[:5],
    "albert": NAMES[:3],
    "albert_one_group": NAMES[:7],
}
LENGTHS = (11, 7, 8, 5)
FIRST_LENGTHS = (4, 3, 0, 0)
"""Tokens of the first text; 0 where there is one text alone."""
LONGEST = max(LENGTHS)


def make_inputs(config):
    """Returns token ids and segments of two pairs and two single texts, padded."""
    places = np.arange(LONGEST)
    starts, steps = np.array([[5, 7, 6, 9], [17, 23, 19, 29]])[..., None]
    tokens = starts + (steps * places) % 47
    # Behind CLS, the first text and its SEP.
    first_ends = np.array(FIRST_LENGTHS)[:, None] + 2
    segments = ((places >= first_ends) & (first_ends > 2)).astype(int)
    if config.get("type_vocab_size") != 2:
        segments *= 0
    is_padding = places >= np.array(LENGTHS)[:, None]
    tokens[is_padding] = config["pad_token_id"]
    segments[is_padding] = 0
    return tokens, segments


def logits_of(model, weights, inputs):
    """Returns the logits [B, K]."""
    state = {name: torch.tensor(value) for name, value in weights.items()}
    model.load_state_dict(state, strict=True)
    model.double()
    with torch.no_grad():
        return model(**inputs).logits.numpy()


def make_case(name):
    """Returns everything that a test needs of one model."""
    family, values = READERS[name]
    if CASES[name] is not None:
        values = values | {"id2label": dict(enumerate(CASES[name]))}
    config = getattr(transformers, family + "Config")(**values)
    class_name = family + "ForSequenceClassification"
    model = getattr(transformers, class_name)(config).eval()
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    weights = {
        name: ruled_weight(name, tuple(shape)).astype(np.float64)
        for name, shape in shapes.items()
    }
    half = {name: value.astype(np.float16) for name, value in weights.items()}
    tokens, segments = make_inputs(values)
    mask = np.arange(LONGEST) < np.array(LENGTHS)[:, None]
    inputs = {
        "input_ids": torch.tensor(tokens),
        "attention_mask": torch.tensor(mask.astype(int)),
    }
    if family != "DistilBert":
        inputs["token_type_ids"] = torch.tensor(segments)
    of_file = {"model_type": config.model_type, "architectures": [class_name]}
    return {
        "config": values | of_file,
        "labels": [config.id2label[number] for number in range(config.num_labels)],
        "shapes": shapes,
        "token_ids": tokens.tolist(),
        "segment_ids": segments.tolist(),
        "lengths": list(LENGTHS),
        "first_lengths": list(FIRST_LENGTHS),
        "logits": rounded(logits_of(model, weights, inputs)),
        "logits_half": rounded(logits_of(model, half, inputs)),
    }


def main():
    """Writes the file beside this script."""
    content = {
        "made_with": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "cases": {name: make_case(name) for name in CASES},
    }
    path = Path(__file__).with_name("hugging_face_classifiers.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
