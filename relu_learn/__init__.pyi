# The public names: for type checkers and editors, and for `__init__.py`, which loads them lazily.
from relu_learn import blackboxes as blackboxes
from relu_learn import zoo as zoo
from relu_learn.asking.errors import BlackBoxError as BlackBoxError
from relu_learn.asking.errors import InvalidArgument as InvalidArgument
from relu_learn.asking.errors import LearningFailed as LearningFailed
from relu_learn.asking.errors import LedgerError as LedgerError
from relu_learn.asking.errors import NotOneHiddenLayer as NotOneHiddenLayer
from relu_learn.asking.errors import NotPiecewiseLinear as NotPiecewiseLinear
from relu_learn.asking.errors import OrientationNotFound as OrientationNotFound
from relu_learn.asking.errors import QueryBudgetExceeded as QueryBudgetExceeded
from relu_learn.asking.errors import ReluLearnError as ReluLearnError
from relu_learn.asking.errors import TimeLimitExceeded as TimeLimitExceeded
from relu_learn.asking.oracle import Oracle as Oracle
from relu_learn.core.gradients import get_gradient as get_gradient
from relu_learn.core.neurons import get_bias as get_bias
from relu_learn.judging.bits import Snapped as Snapped
from relu_learn.judging.bits import snap as snap
from relu_learn.judging.loss import gaussian_loss as gaussian_loss
from relu_learn.judging.loss import sampled_loss as sampled_loss
from relu_learn.judging.loss import worst_error as worst_error
from relu_learn.judging.matching import match_neurons as match_neurons
from relu_learn.judging.matching import matches as matches
from relu_learn.judging.orientation import orient as orient
from relu_learn.judging.planning import plan as plan
from relu_learn.judging.theory import paper_parameters as paper_parameters
from relu_learn.learn import get_neurons as get_neurons
from relu_learn.learn import learn_from_queries as learn_from_queries
from relu_learn.learn import learn_steps as learn_steps
from relu_learn.network import ReluNetwork as ReluNetwork
from relu_learn.network import lipschitz_bound as lipschitz_bound
from relu_learn.telling.certificate import Certificate as Certificate
from relu_learn.telling.certificate import certificate as certificate
from relu_learn.telling.result import LearnResult as LearnResult
from relu_learn.telling.trace import Trace as Trace

__version__: str
