"""What `zonekeras finetune` and `zonekeras sweep` do without arguments."""

from __future__ import annotations

from collections.abc import Sequence

from zonekeras.errors import InputError


def finetune_demo(prog: str) -> None:
    """Writes the synthetic corpus, trains the small reader on it, and scores it."""
    from cli.finetune_report import FinetuneDisplay, print_result
    from zonekeras.demonstration import demo

    print(f"no arguments: the demonstration, in {demo.SWEEP_DIR}")
    demo.write_corpora()
    for stage, what in enumerate(("passages of two sentences", "whole passages")):
        directory = demo.stage_directory(stage)
        print(f"stage {stage + 1} of 2: {what}", flush=True)
        with FinetuneDisplay(directory) as display:
            try:
                result = demo.train_demo(
                    stage,
                    on_progress=display.update,
                    command={"command": prog, "arguments": [], "flags": {}},
                )
            except InputError as error:
                raise InputError(
                    f"{error} In the demonstration: remove {demo.SWEEP_DIR} to start "
                    "afresh."
                ) from error
        print_result(result, directory, "questions")
    scores = demo.score_parts(result.model)
    for name, (exact_match, count) in scores.items():
        print(f"{name}: EM {exact_match:.3f} ({count} questions)")
    demo.write_scores(scores)


def sweep_demo_arguments() -> Sequence[str]:
    """Returns the flags that a sweep without any stands for.

    Raises:
        InputError: If the demonstration's reader has not been trained.
    """
    from zonekeras.demonstration import demo

    for path in (demo.MODEL_DIR / "zonekeras.json", demo.DEV_FILE):
        if not path.exists():
            raise InputError(
                f"without arguments, expected the demonstration's {path}. Received: "
                "no such file; run 'zonekeras finetune' without arguments first, or "
                "see 'zonekeras sweep --help'."
            )
    flags = {
        "--model": demo.MODEL_DIR,
        "--predict_file": demo.DEV_FILE,
        "--max_seq_length": demo.MAX_SEQ_LENGTH,
        "--doc_stride": demo.DOC_STRIDE,
        "--output_dir": demo.SWEEP_DIR,
    }
    return [str(word) for flag in flags.items() for word in flag]
