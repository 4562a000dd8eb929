from zonekeras.analysis.result_order import in_result_order


def test_results_list_cells_first_whatever_ran_first():
    names = [
        "layer1:control2-q2",
        "layer1:control10-q2",
        "layer0:control1-p2q",
        "layer1:p2",
        "all-layers:q2",
        "layer10:all",
        "layer1:all",
        "layer0.head1:q2",
    ]
    assert in_result_order([*names, "baseline", "layer2:q2"]) == [
        "baseline",
        *["layer1:all", "layer1:p2", "layer2:q2", "layer10:all"],
        *["all-layers:q2", "layer0.head1:q2"],
        *["layer0:control1-p2q", "layer1:control2-q2", "layer1:control10-q2"],
    ]
