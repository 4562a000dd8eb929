"""Sets in the data of a report, worked out by hand."""

from zonekeras.reporting.sets import set_payload

NAMES = [
    "layer0:q2",
    "layer1:only-p2",
    "layer0:only-p2",
    "layer0.head0:q2",
    "layer0.head1:q2",
    "layer1.head0:q2",
    "layer1.head1:q2",
    "layer1.head1:p2",
]


def test_whole_sets_are_grids_of_configurations():
    assert set_payload(NAMES, 2) == [
        {
            "name": "heads",
            "panels": [
                {
                    "title": "q2 masked in one head",
                    "axis": "Head, from 1",
                    "columns": ["1", "2"],
                    "rows": [[3, 4], [5, 6]],
                }
            ],
        },
        {
            "name": "only",
            "panels": [
                {
                    "title": "",
                    "axis": "The one zone kept",
                    "columns": ["p2"],
                    "rows": [[2], [1]],
                }
            ],
        },
    ]


def test_what_is_not_whole_is_no_set():
    assert set_payload(NAMES, 3) == []
