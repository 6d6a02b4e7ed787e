"""What a history begins with: hours of which something has happened already."""

from datetime import timedelta

from app.models.states import Party
from tests.faults.histories.model import ASKED, Hour
from tests.faults.histories.play import FINE
from tests.faults.histories.talks import Talks

DECLINED, FARTHER = 4, 9  # days


class Openings(Talks):
    def booked(self, mentee: str, mentor: str, n: int, so_far: str) -> Hour:
        """An hour soon: ``so_far`` it is reserved, or paid."""
        hour = self.new_hour(mentee, mentor, self.slots()[2 * n], 60)
        self.submit(hour, FINE)
        self.look()
        if so_far != "reserved":
            self.pay_at_once(hour, "refundFail" if n == 1 else "visa")
        return hour

    def book_and_move(self, mentee: str, mentor: str, days: int) -> None:
        """An hour far ahead, which has been held on a saved card and then moved beyond what such a hold outlives.

        Of one that was moved by some days, the time to hold it anew has come; or a bank declines the saved card, the
        mentee has paid with another one, and it will decline again. Of one that is to move farther than any hold,
        there is only the proposal.
        """
        hour = self.new_hour(mentee, mentor, self.far_slots()[0], 60)
        self.submit(hour, FINE)
        self.look()
        self.pay_at_once(hour, "chargeCustomerFail" if days == DECLINED else "visa")
        self.wait_for(hour.starts_at - ASKED[0])
        self.work(["authorize_saved_cards"])
        self.look()
        self.pay_at_once(hour, "visa")
        intent = self.intent(hour)
        if intent is None or not intent.held or intent.capture_before is None:
            return  # it costs what no card can be asked for
        self.propose(hour, hour.starts_at + timedelta(days=days + 1), Party.MENTEE, FINE)
        self.look()
        move = self.proposal(hour)
        if days == FARTHER or move is None:
            return
        self.agree(hour, move, Party.MENTOR, FINE)
        self.look()
        if days > 1:
            self.wait_for(hour.lets_go_at(intent.capture_before))

    def pay_at_once(self, hour: Hour, card: str) -> None:
        if hour in self.cardless():
            self.enter(hour, card)
            self.returns(hour, FINE)
            self.look()

    def cardless(self) -> list[Hour]:
        """Hours whose card can be entered: in another tab also after they have ended."""
        waiting = [hour for hour in self.hours if (it := self.intent(hour)) and not it.held and not it.is_over]
        return waiting + self.waiting_for_a_card_to_save()

    def waiting_for_a_card_to_save(self) -> list[Hour]:
        return [hour for hour in self.hours if (setup := self.setup(hour)) and setup.is_open]

    def want_to_be_asked(self, mentor: str) -> None:
        """Or not any more; hours that are booked stay what they are."""
        self.approving ^= {mentor}
        self.stage.set_approval(mentor, approves=mentor in self.approving)
        self.tell(f"{mentor} {'wants' if mentor in self.approving else 'does not want'} to be asked from now on")
