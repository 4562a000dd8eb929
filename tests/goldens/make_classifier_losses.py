"""Makes classifier_losses.json: 20 steps of Hugging Face's classifier under AdamW.

Run with the extra `parity` (PyTorch and transformers):

    python tests/goldens/make_classifier_losses.py

`BertForSequenceClassification` in training mode without dropout; optimizer, schedule,
weights and inputs are those of `make_training_losses.py`. Beside its own loss the
script takes those that PyTorch computes with options: smoothed targets, and the focal
loss from its definition. Computed in float64.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from make_training_losses import CONFIG, SETTINGS, make_optimizer
from training_batches import STEPS, training_batch, training_classes
from weight_rule import ruled_weight

LABELS = ("no", "yes", "perhaps")
SMOOTHING, GAMMA = 0.1, 2.0


def make_model():
    """Returns the classifier in float64."""
    config = transformers.BertConfig(**CONFIG, id2label=dict(enumerate(LABELS)))
    model = transformers.BertForSequenceClassification(config).train()
    state = {
        name: torch.tensor(ruled_weight(name, tuple(value.shape)))
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(state, strict=True)
    return model.double()


def options_of(logits, labels):
    """Returns the mean losses with smoothed targets, and the focal loss."""
    smoothed = torch.nn.functional.cross_entropy(
        logits, labels, label_smoothing=SMOOTHING
    )
    shares = torch.softmax(logits, dim=1)[torch.arange(len(labels)), labels]
    focal = -((1 - shares) ** GAMMA * torch.log(shares)).mean()
    return smoothed.item(), focal.item()


def train(model):
    """Returns losses, gradient norms and the losses with options of all steps."""
    optimizer, schedule = make_optimizer(model)
    rows = []
    for step in range(STEPS):
        inputs, lengths, _ = training_batch(step)
        mask = np.arange(inputs["token_ids"].shape[1]) < lengths[:, None]
        labels = torch.tensor(training_classes(step)).long()
        output = model(
            input_ids=torch.tensor(inputs["token_ids"]).long(),
            token_type_ids=torch.tensor(inputs["segment_ids"]).long(),
            attention_mask=torch.tensor(mask.astype(int)),
            labels=labels,
        )
        output.loss.backward()
        limit = SETTINGS["max_gradient_norm"]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
        options = options_of(output.logits.detach(), labels)
        rows.append((output.loss.item(), norm.item(), *options))
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return [[round(value, 9) for value in column] for column in zip(*rows, strict=True)]


def main():
    """Writes the file beside this script."""
    model = make_model()
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    losses, norms, smoothed, focal = train(model)
    of_file = {
        "model_type": "bert",
        "architectures": ["BertForSequenceClassification"],
        "id2label": {str(number): name for number, name in enumerate(LABELS)},
    }
    content = {
        "made_with": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "config": CONFIG | of_file,
        "settings": SETTINGS,
        "shapes": shapes,
        "losses": losses,
        "gradient_norms": norms,
        "label_smoothing": SMOOTHING,
        "smoothed_losses": smoothed,
        "focal_gamma": GAMMA,
        "focal_losses": focal,
    }
    path = Path(__file__).with_name("classifier_losses.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
