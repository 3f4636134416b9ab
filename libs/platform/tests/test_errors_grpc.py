import grpc
import pytest
from google.rpc.status_pb2 import Status
from trunkline_core.errors import Conflict, Erased, Invalid, NotFound, Overloaded, Poison, Rejection, Transient
from trunkline_ledger.submission import Defect, Expired, NotOwner, OutcomeUnknown
from trunkline_platform.credentials import Forbidden, Unauthenticated
from trunkline_platform.errors_grpc import code_of, error_from_status, status_of
from trunkline_platform.http import problem

Code = grpc.StatusCode


def there_and_back(error):
    status = status_of(error)
    return error_from_status(code_of(error), status.message, Status.FromString(status.SerializeToString()))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Rejection("AgentAtCapacity"), Code.FAILED_PRECONDITION),
        (Rejection("PolicyTrialRuns", "trial 1, until noon"), Code.FAILED_PRECONDITION),
        (NotFound("agent", "ag_1"), Code.NOT_FOUND),
        (Conflict("known with another payload"), Code.ABORTED),
        (Invalid("command.queue.queue_id", "must begin with qu_"), Code.INVALID_ARGUMENT),
        (Overloaded("lane NEW", 0.25), Code.RESOURCE_EXHAUSTED),
        (Transient("no broker", 2.5), Code.UNAVAILABLE),
        (Unauthenticated("no credential"), Code.UNAUTHENTICATED),
        (Forbidden("needs the role admin"), Code.PERMISSION_DENIED),
    ],
)
def test_each_error_comes_back_as_it_was_with_its_data(error, code):
    back = there_and_back(error)
    assert code_of(error) is code
    assert type(back) is type(error)
    assert (str(back), back.retryable, vars(back)) == (str(error), error.retryable, vars(error))


@pytest.mark.parametrize(
    ("error", "kind"), [(Expired(), Rejection), (NotOwner(3, None), Transient), (OutcomeUnknown("?"), Transient)]
)
def test_a_finer_kind_comes_back_as_what_it_is_a_kind_of(error, kind):
    back = there_and_back(error)
    assert type(back) is kind
    assert str(back) == str(error)


@pytest.mark.parametrize("error", [Poison("bad record"), Defect("the rules failed")])
def test_what_no_caller_can_mend_is_internal(error):
    assert code_of(error) is Code.INTERNAL
    assert isinstance(there_and_back(error), Defect)


@pytest.mark.parametrize("code", [Code.UNAVAILABLE, Code.DEADLINE_EXCEEDED, Code.CANCELLED])
def test_a_broken_connection_is_worth_a_retry(code):
    assert error_from_status(code, "", None).retryable


@pytest.mark.parametrize("code", [code for code in Code if code is not Code.OK])
def test_every_code_without_details_becomes_an_error(code):
    assert isinstance(error_from_status(code, "text", None), Exception)


def test_who_was_erased_looks_like_nobody_at_every_edge():
    status = status_of(Erased("cu_1"))
    assert code_of(Erased("cu_1")) is Code.NOT_FOUND
    assert type(error_from_status(Code.NOT_FOUND, status.message, status)) is NotFound
    assert problem(Erased("cu_1"))["status"] == 404


@pytest.mark.parametrize("code", [Code.UNKNOWN, Code.INTERNAL])
def test_a_server_that_ended_without_a_word_leaves_an_unknown_outcome_and_not_a_refusal_for_good(code):
    assert isinstance(error_from_status(code, "", None), Transient)


def test_a_defect_of_the_server_is_no_unknown_outcome():
    assert isinstance(there_and_back(Defect("internal error")), Defect)
