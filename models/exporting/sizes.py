"""The sizes of a network: read from its weights, told in the manifest, and enough to build the network again.

Only BERT is known here; the other encoder that can be trained, MPNet, is a teacher and never shipped.
"""

from collections.abc import Mapping
from typing import Any

import numpy.typing as npt
import torch
from transformers import BertConfig, BertModel

from models.checkpoint import Architecture
from models.exporting.weights import ExportError
from models.training.network import SentimentNetwork
from models.weights import FloatArray


def sizes_of(state: Mapping[str, npt.NDArray[Any]], config: Mapping[str, Any]) -> Architecture:
    """The sizes of a network with these weights, by name, and this encoder configuration.

    What the weights can tell is theirs to tell: a pruned vocabulary or a cut encoder may differ from its configuration.
    Raises: ExportError: it is another kind of network than the one that is exported.
    """
    kind, activation = config.get("model_type"), config.get("hidden_act")
    if kind != "bert":
        raise ExportError(
            f"an encoder of type {kind!r} cannot be exported, only bert: let it teach one (models.train --label, then "
            "soft.path)"
        )
    if activation != "gelu":
        raise ExportError(f"hidden_act is {activation!r} and only gelu can be exported: choose another backbone")
    layer = "encoder.encoder.layer."
    try:
        vocabulary, width = state["encoder.embeddings.word_embeddings.weight"].shape
        return Architecture(
            type=kind,
            layers=len({name.split(".")[3] for name in state if name.startswith(layer)}),
            width=width,
            heads=config["num_attention_heads"],
            intermediate=len(state[f"{layer}0.intermediate.dense.weight"]),
            vocabulary=vocabulary,
            positions=len(state["encoder.embeddings.position_embeddings.weight"]),
            layer_norm_eps=config["layer_norm_eps"],
            head_width=len(state["head.1.weight"]),
        )
    except KeyError as error:
        raise ExportError(f"{error} is missing: these are not a sentiment network on a BERT") from error


def network_from(sizes: Architecture, state: Mapping[str, FloatArray]) -> SentimentNetwork:
    """A network of these sizes and weights, ready to answer. Raises: ExportError: a weight is missing or of no use."""
    if sizes.type != "bert":
        raise ExportError(f"a network of type {sizes.type!r} is unknown here, only bert is: upgrade")
    config = BertConfig(
        vocab_size=sizes.vocabulary,
        hidden_size=sizes.width,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        intermediate_size=sizes.intermediate,
        max_position_embeddings=sizes.positions,
        layer_norm_eps=sizes.layer_norm_eps,
        pad_token_id=None,  # A pruned vocabulary may lack the usual one; padding is masked, not looked up as zero.
    )
    with torch.random.fork_rng(devices=[]):  # The weights that are drawn first are thrown away: no trace of them.
        network = SentimentNetwork(BertModel(config, add_pooling_layer=False), head_width=sizes.head_width)
    try:
        network.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    except RuntimeError as error:
        raise ExportError(f"these are not the weights of a sentiment network on a BERT: {error}") from error
    network.eval()
    return network
