"""Makes tokenizers.json: ids and pairs of random tokenizers, read by transformers.

Run with the extra `parity` (made with transformers 5.24, tokenizers 0.23):

    python tests/goldens/make_tokenizers.py

Every case is the files of a model directory, as text, with what `AutoTokenizer` reads
of it. Vocabularies are trained on the texts below; rules, added words, which file says
what, and whose body it is are drawn at random. No special token stands in a text.
"""

import json
import random
import tempfile
from pathlib import Path

import tokenizers
import transformers
from tokenizers import (
    AddedToken,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

TEXTS = [
    "The mïll on the Orr was built by Ada Brook, in 1843; she sold it to a brewer.",
    "Die Mühle gehört der Straße wegen ÄRGER zum Großen Fluß.",
    "Ο μύλος χτίστηκε από την Άντα το 1843 και πουλήθηκε.",
    "Мельница была построена Адой Брук в 1843 году, ёлка!",
    "بَنَت آدا بروك الطاحونة في عام ١٨٤٣.",
    "עדה ברוק בנתה את הטחנה בשנת 1843.",
    "एडा ब्रुक ने 1843 में चक्की बनाई।",
    "เอดาบรูกสร้างโรงสีในปีพุทธศักราชและขายให้คนทำเบียร์",
    "小磨坊由布鲁克女士于一八四三年建成。",
    "水車小屋はブルックさんが建てたものです。",
    "에이다가 1843년에 방앗간을 지었다.",
    "  two  spaces\u00a0and\ta tab, e\u0301 and ﬁ, ½, №5, 😀 end ",
    "covid-19 Covid-19 xcovid-19y newword NewWord",
    "w" * 100 + " " + "w" * 101 + " " + "mill" * 40 + " mill",
]
QUESTION, PASSAGE = TEXTS[0][:30], TEXTS[1]
BERT = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
ALBERT = ["<pad>", "<unk>", "[CLS]", "[SEP]", "[MASK]"]
NAMES = ("cls", "sep", "pad", "unk", "mask")
NAMED = {
    "bert": dict(
        zip(NAMES, ("[CLS]", "[SEP]", "[PAD]", "[UNK]", "[MASK]"), strict=True)
    ),
    "roberta": dict(
        zip(NAMES, ("<s>", "</s>", "<pad>", "<unk>", "<mask>"), strict=True)
    ),
    "albert": dict(
        zip(NAMES, ("[CLS]", "[SEP]", "<pad>", "<unk>", "[MASK]"), strict=True)
    ),
}
MODELS = ("bert", "electra", "roberta", "xlm-roberta")


def trained(kind, draw):
    """Returns a trained tokenizer of an algorithm, with the usual special tokens."""
    cased = draw.random() < 0.5
    if kind == "wordpiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.normalizer = normalizers.BertNormalizer(
            lowercase=not cased,
            strip_accents=draw.choice([None, True, False]),
            handle_chinese_chars=draw.random() < 0.5,
        )
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=330, special_tokens=BERT, show_progress=False
        )
    elif kind == "bpe":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(
            add_prefix_space=draw.random() < 0.5
        )
        trainer = trainers.BpeTrainer(
            vocab_size=330,
            special_tokens=ROBERTA,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    else:
        special = ALBERT if kind == "albert" else ROBERTA
        tokenizer = Tokenizer(models.Unigram())
        if kind == "albert":
            steps = [normalizers.Replace("``", '"'), normalizers.Replace("''", '"')]
            if draw.random() < 0.5:
                steps += [normalizers.NFKD(), normalizers.StripAccents()]
            steps += [] if cased else [normalizers.Lowercase()]
            tokenizer.normalizer = normalizers.Sequence(steps)
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]
        )
        trainer = trainers.UnigramTrainer(
            vocab_size=300,
            special_tokens=special,
            unk_token="<unk>",
            show_progress=False,
        )
    tokenizer.train_from_iterator(TEXTS * 2, trainer)
    return tokenizer


def template(draw, names):
    """Returns a random way of joining a pair, as a post-processor."""
    cls, sep = names["cls"], names["sep"]
    between = " ".join([f"{sep}:0"] * draw.choice([1, 2]))
    segment = draw.choice([0, 1])
    return {
        "single": f"{cls}:0 $A:0 {sep}:0",
        "pair": f"{cls}:0 $A:0 {between} $B:{segment} {sep}:{segment}",
    }


def rules_of(kind, draw):
    """Draws what `tokenizer_config.json` says of the rules."""
    known = {
        "wordpiece": ("do_lower_case", "strip_accents", "tokenize_chinese_chars"),
        "bpe": ("add_prefix_space",),
        "xlm": ("add_prefix_space",),
        "albert": ("do_lower_case", "keep_accents"),
    }[kind]
    return {name: draw.random() < 0.5 for name in known if draw.random() < 0.6}


def added(draw, size):
    """Draws words that were added: entries by id."""
    words = draw.sample(["covid-19", "newword", "磨坊", "ada"], draw.choice([0, 1, 2]))
    flags = ("lstrip", "rstrip", "single_word", "normalized")
    return {
        size + number: {"content": word}
        | {flag: draw.random() < 0.5 for flag in flags}
        | {"special": False}
        for number, word in enumerate(words)
    }


def files_of(kind, layout, draw):
    """Returns the files of one case, and what is special about it."""
    tokenizer = trained(kind, draw)
    style = {"wordpiece": "bert", "albert": "albert"}.get(kind, "roberta")
    names = NAMED[style]
    config = {f"{name}_token": token for name, token in names.items()}
    files = {}
    size = tokenizer.get_vocab_size()
    words = added(draw, size)
    classes = {
        "wordpiece": ["BertTokenizer", "BertTokenizerFast", "ElectraTokenizerFast"],
        "bpe": ["RobertaTokenizer", "RobertaTokenizerFast"],
        "xlm": ["XLMRobertaTokenizer", "XLMRobertaTokenizerFast"],
        "albert": ["AlbertTokenizer", "AlbertTokenizerFast"],
    }[kind]
    model = {"model_type": draw.choice(MODELS), "type_vocab_size": 2}
    if layout == "template":
        config["tokenizer_class"] = draw.choice(
            ["PreTrainedTokenizerFast", "TokenizersBackend"]
        )
        joined = template(draw, names)
        ids = [(names[one], tokenizer.token_to_id(names[one])) for one in NAMES[:2]]
        tokenizer.post_processor = processors.TemplateProcessing(
            **joined, special_tokens=ids
        )
    elif layout == "by model":
        model["model_type"] = {
            "wordpiece": draw.choice(["bert", "electra"]),
            "bpe": "roberta",
            "xlm": "xlm-roberta",
            "albert": "albert",
        }[kind]
        where = draw.choice(["model", "nowhere"])
        if where == "model":
            model["tokenizer_class"] = draw.choice(classes)
    else:
        config["tokenizer_class"] = draw.choice(classes)
    if layout != "template":
        config |= rules_of(kind, draw)
    if kind == "wordpiece" and layout == "vocab":
        config.setdefault("do_lower_case", draw.random() < 0.5)
    newer = draw.random() < 0.5
    if newer:
        special = {
            tokenizer.token_to_id(token): {"content": token, "special": True}
            | dict.fromkeys(("lstrip", "rstrip", "single_word", "normalized"), False)
            for token in names.values()
        }
        config["added_tokens_decoder"] = {
            str(index): entry for index, entry in sorted((special | words).items())
        }
    elif words:
        files["added_tokens.json"] = {w["content"]: i for i, w in words.items()}
    if layout == "vocab":
        vocabulary = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
        if kind == "wordpiece":
            files["vocab.txt"] = "".join(f"{token}\n" for token, _ in vocabulary)
        else:
            state = json.loads(tokenizer.to_str())["model"]
            files["vocab.json"] = dict(vocabulary)
            files["merges.txt"] = "#version: 0.2\n" + "".join(
                f"{' '.join(merge)}\n" for merge in state["merges"]
            )
    else:
        if not newer and words and draw.random() < 0.5:
            del files["added_tokens.json"]
            tokenizer.add_tokens(
                [AddedToken(**(entry | {"special": False})) for entry in words.values()]
            )
        files["tokenizer.json"] = json.loads(tokenizer.to_str())
        if kind == "wordpiece":
            # What the library writes is what BERT's class has.
            files["tokenizer.json"]["model"]["max_input_chars_per_word"] = 100
    if not newer and draw.random() < 0.5:
        moved = {key: config.pop(key) for key in list(config) if key.endswith("_token")}
        files["special_tokens_map.json"] = moved
    files["tokenizer_config.json"] = config
    files["config.json"] = model
    return {
        name: content
        if isinstance(content, str)
        else json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        for name, content in files.items()
    }


def read(files):
    """Returns what transformers reads of a directory with these files."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in files.items():
            Path(name, file).write_text(text, encoding="utf-8")
        tokenizer = transformers.AutoTokenizer.from_pretrained(name)
    pair = tokenizer(QUESTION, PASSAGE, return_token_type_ids=True)
    return {
        "class": type(tokenizer).__name__,
        "ids": [
            tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS
        ],
        "pair": pair["input_ids"],
        "segments": pair["token_type_ids"],
    }


def main():
    """Draws the cases and writes the file."""
    cases = []
    for kind, layouts in (
        ("wordpiece", ("vocab", "class", "by model", "template")),
        ("bpe", ("vocab", "class", "by model", "template")),
        ("xlm", ("class", "by model", "template")),
        ("albert", ("class", "by model", "template")),
    ):
        for layout in layouts:
            for seed in range(6 if kind == "wordpiece" else 3):
                files = files_of(kind, layout, random.Random(f"{kind} {layout} {seed}"))
                case = {"name": f"{kind}, {layout}, {seed}", "files": files}
                cases.append(case | read(files))
    content = {
        "versions": {
            "transformers": transformers.__version__,
            "tokenizers": tokenizers.__version__,
        },
        "texts": TEXTS,
        "question": QUESTION,
        "passage": PASSAGE,
        "cases": cases,
    }
    path = Path(__file__).parent / "tokenizers.json"
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path}: {len(cases)} cases, {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
