"""Makes minilm_answers.json: a real reader's answers by Hugging Face's own code.

Run with the extra `parity` (PyTorch and transformers), beside the folder `shared`:

    python tests/goldens/make_minilm_answers.py

It shares nothing with the package: the library's fast tokenizer cuts the windows, and
the decoding below is written for itself. Windows start every 128 tokens, as in the
original BERT script; the library's `stride` is what two windows have in common.
"""

import json
from pathlib import Path

import torch
import transformers

SHARED = Path(__file__).resolve().parents[3] / "shared"
MODEL = SHARED / "models" / "minilm-qa"
DEV = SHARED / "data" / "xquad_en_heldout.json"
MAX_SEQ_LENGTH = 384
DOC_STRIDE = 128
N_BEST_SIZE = 20
MAX_ANSWER_LENGTH = 30


def answer(model, tokenizer, question, passage):
    """Returns the text of the best span of all windows."""
    question_length = len(tokenizer(question, add_special_tokens=False)["input_ids"])
    room = MAX_SEQ_LENGTH - question_length - 3
    encoded = tokenizer(
        question,
        passage,
        truncation="only_second",
        max_length=MAX_SEQ_LENGTH,
        stride=room - DOC_STRIDE,
        return_overflowing_tokens=True,
        return_offsets_mapping=True,
        padding=True,
        return_tensors="pt",
    )
    with torch.inference_mode():
        outputs = model(
            input_ids=encoded["input_ids"],
            attention_mask=encoded["attention_mask"],
            token_type_ids=encoded["token_type_ids"],
        )
    windows = []
    for row, offsets in enumerate(encoded["offset_mapping"].tolist()):
        passage_tokens = [
            token
            for token, sequence in enumerate(encoded.sequence_ids(row))
            if sequence == 1
        ]
        windows.append((offsets, passage_tokens))
    best_score, best_text = float("-inf"), "empty"
    for row, (offsets, tokens) in enumerate(windows):
        length = int(encoded["attention_mask"][row].sum())
        starts = outputs.start_logits[row, :length]
        ends = outputs.end_logits[row, :length]
        for start in starts.topk(min(N_BEST_SIZE, length)).indices.tolist():
            if start not in tokens or not has_most_context(windows, row, start):
                continue
            for end in ends.topk(min(N_BEST_SIZE, length)).indices.tolist():
                if end not in tokens or not start <= end < start + MAX_ANSWER_LENGTH:
                    continue
                score = float(starts[start]) + float(ends[end])
                if score > best_score:
                    text = passage[offsets[start][0] : offsets[end][1]]
                    best_score, best_text = score, text
    return best_text


def has_most_context(windows, row, token):
    """Whether no other window has more tokens on both sides of this one."""
    place = windows[row][0][token]
    contexts = []
    for offsets, tokens in windows:
        contexts.append(float("-inf"))
        for other in tokens:
            if offsets[other] == place:
                left, right = other - tokens[0], tokens[-1] - other
                contexts[-1] = min(left, right) + 0.01 * len(tokens)
    return contexts[row] == max(contexts) and contexts.index(max(contexts)) == row


def main():
    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(MODEL)
    model = transformers.BertForQuestionAnswering.from_pretrained(
        MODEL, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    answers = {}
    for article in json.loads(DEV.read_text(encoding="utf-8"))["data"]:
        for paragraph in article["paragraphs"]:
            for entry in paragraph["qas"]:
                answers[entry["id"]] = answer(
                    model, tokenizer, entry["question"], paragraph["context"]
                )
    content = {
        "made_by": f"torch {torch.__version__}, "
        f"transformers {transformers.__version__}",
        "max_seq_length": MAX_SEQ_LENGTH,
        "doc_stride": DOC_STRIDE,
        "answers": answers,
    }
    path = Path(__file__).with_name("minilm_answers.json")
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    print(f"{path.name}: {len(answers)} answers")


if __name__ == "__main__":
    main()
