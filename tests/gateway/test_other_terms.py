"""What an underwriter changes is changed of what was asked for, whatever was offered instead before."""

from domain.lending.application_view import view_of
from gateway.applications.bodies import TermsBody
from gateway.applications.underwriting import _terms
from tests.domain.lending.test_application import loan


def test_what_is_left_out_stays_as_it_was_asked_for() -> None:
    application = loan()
    asked = application.asked_terms()
    assert asked is not None
    application.counter_terms = asked.model_copy(update={"principal": 200_000, "prepaid": 2_000})
    changed = _terms(view_of(application), TermsBody(term_months=24))
    assert changed == asked.model_copy(update={"term_months": 24})
