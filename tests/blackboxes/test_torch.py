"""PyTorch's modules, where it is installed (it is large, so no extra pulls it in)."""

import numpy as np
import pytest

from relu_learn import InvalidArgument, learn_from_queries
from relu_learn.blackboxes import from_torch
from relu_learn.blackboxes import open as open_model

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
nn = torch.nn
X = np.random.default_rng(0).standard_normal((40, 4))


def module(dtype=torch.float64, shape=(4,)):
    torch.manual_seed(0)
    layers = nn.Flatten(), nn.Linear(4, 6), nn.ReLU(), nn.Dropout(0.5), nn.Linear(6, 2)
    return nn.Sequential(*layers).to(dtype).eval()


def truth(net, x=X):
    with torch.no_grad():
        return net(torch.as_tensor(x, dtype=next(net.parameters()).dtype)).double().numpy()


@pytest.mark.parametrize("shape", [None, (2, 2)])
def test_a_module_is_learned(shape):
    net = module()
    model = from_torch(net, 4, input_shape=shape)
    assert (model.dim, model.dtype) == (4, np.float64)
    result = learn_from_queries(model, rng=0)
    assert np.abs(result.network(X) - truth(net)).max() < 1e-10


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_inputs_have_its_dtype(dtype):
    net = module(dtype)
    assert np.array_equal(from_torch(net, 4)(X), truth(net))


def test_no_gradients_are_kept():
    kept = []

    class Net(nn.Linear):
        def forward(self, x):
            kept.append(torch.is_grad_enabled())
            return {"logits": super().forward(x), "loss": None}

    model = from_torch(Net(4, 1).eval(), 4, output="logits")
    assert model(X).shape == (40, 1) and kept == [False]
    with pytest.raises(TypeError, match=r"output= must say which .* \['logits', 'loss'\]"):
        from_torch(Net(4, 1).eval(), 4)(X)


def test_training_mode_is_refused_by_name():
    net = module()
    net[3].train()
    with pytest.raises(
        InvalidArgument, match=r"but 3 \(Dropout\) is in training mode: module.eval"
    ):
        from_torch(net, 4)


@pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")
def test_torchscript_files(tmp_path):
    net = module()
    torch.jit.trace(net, torch.ones(1, 4, dtype=torch.float64)).save(tmp_path / "net.pt")
    with pytest.raises(InvalidArgument, match="can run any code"):
        open_model(tmp_path / "net.pt", dim=4)
    model = open_model(tmp_path / "net.pt", trust=True, dim=4)
    assert np.abs(model(X) - truth(net)).max() < 1e-14
