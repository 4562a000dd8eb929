"""A reader's forward pass in plain NumPy, slow and by the book: the tests' oracle.

Written from the definition of the zones and of BERT's layer, not from the package: it
imports nothing of it. float64 and explicit loops throughout.
"""

import math

import numpy as np

PAD, CLS, SEP, QUESTION, PASSAGE = range(5)

# zone -> (query roles, key role) that it masks.
MASKED_PAIRS = {
    "q2": [((QUESTION,), QUESTION)],
    "p2": [((PASSAGE,), PASSAGE)],
    "q2p": [((QUESTION, CLS, SEP, PAD), PASSAGE)],
    "p2q": [((PASSAGE, CLS, SEP, PAD), QUESTION)],
    "all": [
        ((PAD, CLS, SEP, QUESTION, PASSAGE), QUESTION),
        ((PAD, CLS, SEP, QUESTION, PASSAGE), PASSAGE),
    ],
    "cls2q": [((CLS,), QUESTION)],
    "cls2p": [((CLS,), PASSAGE)],
    "q2p-text": [((QUESTION,), PASSAGE)],
    "p2q-text": [((PASSAGE,), QUESTION)],
}


def oracle_table(zones, semantics="strict"):
    """Returns the 5 x 5 table in which the zones are masked: 1 = may attend."""
    table = [[1.0 if key != PAD else 0.0 for key in range(5)] for _ in range(5)]
    for zone in zones:
        if zone == "all" and semantics == "published":
            for query in range(5):
                table[query][PAD] = 1.0
            continue
        for queries, key in MASKED_PAIRS[zone]:
            for query in queries:
                table[query][key] = 0.0
    return np.array(table)


def numpy_reader_logits(weights, config, token_ids, segment_ids, roles, tables):
    """Returns the logits [B, T, 2] of a reader.

    Args:
        weights: Name -> array, names as the package documents them.
        config: Has the fields of an encoder's configuration.
        token_ids: [B, T].
        segment_ids: [B, T].
        roles: [B, T].
        tables: [L, 1 or N, 5, 5], or [B, L, 1 or N, 5, 5] for one set a row.
    """
    weights = _exact(weights)
    hidden = _hidden(weights, config, token_ids, segment_ids, roles, tables)
    return np.stack([_dense(weights, "span_head", row) for row in hidden])


def numpy_class_logits(weights, config, pooling, token_ids, segment_ids, roles, tables):
    """Returns the logits [B, K] of a classifier; see `numpy_reader_logits`.

    Args:
        weights: As there.
        config: As there.
        pooling: The value of a `Pooling`.
        token_ids: As there.
        segment_ids: As there.
        roles: As there.
        tables: As there.
    """
    weights = _exact(weights)
    hidden = _hidden(weights, config, token_ids, segment_ids, roles, tables)
    logits = []
    for row, row_roles in zip(hidden, roles, strict=True):
        pooled = row[0]
        if pooling == "mean":
            text = [
                state
                for state, role in zip(row, row_roles, strict=True)
                if role in (QUESTION, PASSAGE)
            ]
            pooled = sum(text) / len(text) if text else 0 * row[0]
        elif pooling != "cls":
            inner = _dense(weights, "classifier.dense", pooled)
            pooled = _activate(pooling.removeprefix("cls_dense_"), inner)
        logits.append(_dense(weights, "classifier.output", pooled))
    return np.stack(logits)


def _exact(weights):
    return {name: value.astype(np.float64) for name, value in weights.items()}


def _hidden(weights, config, token_ids, segment_ids, roles, tables):
    """Returns the last layer's output of every row, [T, D] each."""
    tables = np.asarray(tables, np.float64)
    rows = []
    for row in range(len(token_ids)):
        row_tables = tables[row] if tables.ndim == 5 else tables
        hidden = _embed(weights, config, token_ids[row], segment_ids[row])
        for layer, block in enumerate(config.block_of_layer):
            part = {
                name.removeprefix(f"block.{block}."): value
                for name, value in weights.items()
                if name.startswith(f"block.{block}.")
            }
            hidden = _layer(part, config, hidden, roles[row], row_tables[layer])
        rows.append(hidden)
    return rows


def _embed(weights, config, token_ids, segment_ids):
    rows = []
    for place, (token, segment) in enumerate(zip(token_ids, segment_ids, strict=True)):
        row = weights["embeddings.token"][token] + weights["embeddings.position"][place]
        if config.num_segments:
            row = row + weights["embeddings.segment"][segment]
        rows.append(row)
    hidden = _norm(weights, "embeddings.norm", np.stack(rows), config)
    if "embeddings.projection.kernel" in weights:
        hidden = _dense(weights, "embeddings.projection", hidden)
    return hidden


def _layer(part, config, hidden, roles, tables):
    attended = _dense(
        part, "attention.output", _context(part, config, hidden, roles, tables)
    )
    hidden = _norm(part, "attention_norm", hidden + attended, config)
    widened = _activate(config.activation, _dense(part, "intermediate", hidden))
    return _norm(part, "output_norm", hidden + _dense(part, "output", widened), config)


def _context(part, config, hidden, roles, tables):
    """Attends query by query and key by key; a query without keys gets zeros."""
    query = _dense(part, "attention.query", hidden)
    key = _dense(part, "attention.key", hidden)
    value = _dense(part, "attention.value", hidden)
    size = config.hidden_dim // config.num_heads
    context = np.zeros_like(query)
    for head in range(config.num_heads):
        columns = slice(head * size, (head + 1) * size)
        table = tables[head if len(tables) > 1 else 0]
        for i, query_role in enumerate(roles):
            seen = [
                (j, table[query_role][key_role])
                for j, key_role in enumerate(roles)
                if table[query_role][key_role] > 0
            ]
            scores = [
                query[i, columns] @ key[j, columns] / math.sqrt(size) for j, _ in seen
            ]
            shares = [
                gate * math.exp(score - max(scores))
                for score, (_, gate) in zip(scores, seen, strict=True)
            ]
            for (j, _), share in zip(seen, shares, strict=True):
                context[i, columns] += share / sum(shares) * value[j, columns]
    return context


def _dense(weights, name, inputs):
    return inputs @ weights[f"{name}.kernel"] + weights[f"{name}.bias"]


def _norm(weights, name, inputs, config):
    mean = inputs.mean(axis=-1, keepdims=True)
    variance = ((inputs - mean) ** 2).mean(axis=-1, keepdims=True)
    normal = (inputs - mean) / np.sqrt(variance + config.layer_norm_epsilon)
    return normal * weights[f"{name}.scale"] + weights[f"{name}.offset"]


def _activate(name, inputs):
    if name == "tanh":
        return np.tanh(inputs)
    if name == "gelu":
        return np.vectorize(lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))))(
            inputs
        )
    if name == "gelu_tanh":
        inner = math.sqrt(2 / math.pi) * (inputs + 0.044715 * inputs**3)
        return 0.5 * inputs * (1 + np.tanh(inner))
    assert name == "relu", name
    return np.maximum(inputs, 0)
