"""Full precision: the same networks without quantizers."""


def record(recorder):
    recorder.has_no_quantizer("weights and activations are real")
