"""Makes mlqa_scores.json: scores by the official MLQA script.

Run with the script's path, `mlqa_evaluation_v1.py` of github.com/facebookresearch/MLQA
(made with its commit 5ef5c73):

    python tests/goldens/make_mlqa_scores.py PATH

Only its scores are stored.
"""

import importlib.util
import json
import sys
from pathlib import Path

# Language -> (prediction, gold answers).
PAIRS = {
    "en": [
        ("The mill", ["a mill", "mills"]),
        ("an «old» mill", ["old mill on the Orr"]),
        ("", ["the"]),
        ("Theatre", ["theatre"]),
        ("ÉLAN—vital", ["élan vital"]),
    ],
    "es": [
        ("El río", ["río"]),
        ("un molino y unas casas", ["casas y molino"]),
        ("¿Los molinos?", ["molinos"]),
        ("la", ["el"]),
        ("The mill", ["mill"]),
    ],
    "hi": [
        ("एडा ब्रुक ने", ["एडा ब्रुक"]),
        ("चक्की।", ["चक्की"]),
        ("the चक्की", ["चक्की"]),
        ("1843", ["१८४३"]),
    ],
    "vi": [
        ("cái cối xay của Ada", ["cối xay Ada"]),
        ("những con sông", ["con sông"]),
        ("là", ["của"]),
        ("chiếc cối-xay", ["cối xay"]),
    ],
    "de": [
        ("der alte Fluß", ["alte Fluß"]),
        ("einem Müller, des Ortes", ["Müller Ortes"]),
        ("„Die Mühle“", ["mühle"]),
        ("The Mühle", ["Mühle"]),
        ("STRASSE", ["straße"]),
    ],
    "ar": [
        ("الطاحونة", ["طاحونة"]),
        ("في المال العام", ["في مال عام"]),
        ("آدا؟", ["آدا"]),
        ("ال", ["الطاحونة"]),
        ("سؤال", ["سؤ"]),
    ],
    "zh": [
        ("布鲁克", ["布鲁克女士"]),
        ("《战国无双3》 and Z", ["战国无双3"]),
        ("一八四三年建成", ["一八四三年", "1843年"]),
        ("the 磨坊", ["磨坊"]),
        ("㐀磨坊", ["㐀 磨坊"]),
        ("，。", ["磨坊"]),
    ],
}


def main():
    """Scores the pairs and writes the file."""
    specification = importlib.util.spec_from_file_location("script", sys.argv[1])
    script = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(script)
    rows = [
        {
            "language": language,
            "prediction": prediction,
            "golds": golds,
            "exact_match": max(
                float(script.exact_match_score(prediction, gold, language))
                for gold in golds
            ),
            "f1": max(script.f1_score(prediction, gold, language) for gold in golds),
        }
        for language, pairs in PAIRS.items()
        for prediction, golds in pairs
    ]
    path = Path(__file__).parent / "mlqa_scores.json"
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
