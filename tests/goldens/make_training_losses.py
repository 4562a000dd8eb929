"""Makes training_losses.json: 20 steps of Hugging Face's reader under PyTorch's AdamW.

Run with the extra `parity` (PyTorch and transformers):

    python tests/goldens/make_training_losses.py

`BertForQuestionAnswering` in training mode without dropout, `torch.optim.AdamW` with no
decay on biases and normalizations, the linear schedule with warm-up of transformers and
`clip_grad_norm_`. Weights come from `weight_rule`, batches from `training_batches`.
Computed in float64, so that a float32 run may be compared with a tolerance of its own.
"""

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from training_batches import STEPS, VOCABULARY, training_batch
from weight_rule import ruled_weight

CONFIG = {
    "vocab_size": VOCABULARY,
    "hidden_size": 21,
    "num_hidden_layers": 3,
    "num_attention_heads": 3,
    "intermediate_size": 29,
    "max_position_embeddings": 23,
    "type_vocab_size": 2,
    "hidden_act": "gelu",
    "layer_norm_eps": 1e-12,
    "pad_token_id": 0,
    "hidden_dropout_prob": 0.0,
    "attention_probs_dropout_prob": 0.0,
}
SETTINGS = {
    "learning_rate": 5e-3,
    "warmup_proportion": 0.2,
    "weight_decay": 0.1,
    "max_gradient_norm": 1.0,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "epsilon": 1e-8,
}


def make_model():
    """Returns the reader in float64."""
    config = transformers.BertConfig(**CONFIG)
    model = transformers.BertForQuestionAnswering(config).train()
    state = {
        name: torch.tensor(ruled_weight(name, tuple(value.shape)))
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(state, strict=True)
    return model.double()


def make_optimizer(model):
    """Returns AdamW in two groups, with and without decay, and its schedule."""
    plain, decayed = [], []
    for name, weight in model.named_parameters():
        is_plain = name.endswith("bias") or "LayerNorm" in name
        (plain if is_plain else decayed).append(weight)
    optimizer = torch.optim.AdamW(
        [
            {"params": decayed, "weight_decay": SETTINGS["weight_decay"]},
            {"params": plain, "weight_decay": 0.0},
        ],
        lr=SETTINGS["learning_rate"],
        betas=(SETTINGS["beta_1"], SETTINGS["beta_2"]),
        eps=SETTINGS["epsilon"],
    )
    warmup = int(STEPS * SETTINGS["warmup_proportion"])
    schedule = transformers.get_linear_schedule_with_warmup(optimizer, warmup, STEPS)
    return optimizer, schedule


def train(model):
    """Returns losses, gradient norms and learning rates of all steps."""
    optimizer, schedule = make_optimizer(model)
    rows = []
    for step in range(STEPS):
        inputs, lengths, targets = training_batch(step)
        mask = np.arange(inputs["token_ids"].shape[1]) < lengths[:, None]
        loss = model(
            input_ids=torch.tensor(inputs["token_ids"]).long(),
            token_type_ids=torch.tensor(inputs["segment_ids"]).long(),
            attention_mask=torch.tensor(mask.astype(int)),
            start_positions=torch.tensor(targets[:, 0]).long(),
            end_positions=torch.tensor(targets[:, 1]).long(),
        ).loss
        loss.backward()
        limit = SETTINGS["max_gradient_norm"]
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), limit)
        rows.append((loss.item(), norm.item(), schedule.get_last_lr()[0]))
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return [[round(value, 9) for value in column] for column in zip(*rows, strict=True)]


def main():
    """Writes the file beside this script."""
    model = make_model()
    shapes = {name: list(value.shape) for name, value in model.state_dict().items()}
    losses, norms, rates = train(model)
    content = {
        "made_with": {
            "torch": torch.__version__,
            "transformers": transformers.__version__,
        },
        "config": CONFIG | {"model_type": "bert"},
        "settings": SETTINGS,
        "shapes": shapes,
        "losses": losses,
        "gradient_norms": norms,
        "learning_rates": rates,
    }
    path = Path(__file__).with_name("training_losses.json")
    path.write_text(json.dumps(content) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
