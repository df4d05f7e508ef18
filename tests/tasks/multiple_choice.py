"""A second task, in one file: which of four procedures suits a scenario best. Nothing else in the project knows it."""

import polars as pl

from acrflow.tasks.appropriateness import UA
from acrflow.tasks.task import Task


class MultipleChoice(Task):
    """One usually appropriate procedure of a guideline, hidden among three that are not."""

    name = "multiple_choice"
    purpose = "choose the procedure that suits a clinical scenario best"
    labels = ("A", "B", "C", "D")
    short = ("a", "b", "c", "d")
    fields = ("variant", "options")
    gold = "answer"
    scenario = "variant"

    def make_rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        """A question per usually appropriate row that finds three others in its scenario."""
        questions = []
        for _, group in rows.group_by("topic", "variant", maintain_order=True):
            others = group.filter(pl.col("appropriateness") != UA)["procedure"].to_list()
            for number, row in enumerate(group.filter(appropriateness=UA).iter_rows(named=True)):
                options = others[3 * number : 3 * number + 3]
                place = int(row["id"], 16) % 4
                options.insert(place, row["procedure"])
                if len(options) == 4:
                    text = "; ".join(f"{label}: {one}" for label, one in zip(self.labels, options, strict=True))
                    questions.append({**row, "options": text, "answer": self.labels[place]})
        columns = ("id", "topic", *self.fields, self.gold, "traces", "evidence", "evidence_left_out")
        return pl.DataFrame(questions, infer_schema_length=None).select(
            pl.col(name).cast(rows.schema.get(name, pl.String)) for name in columns
        )


TASK = MultipleChoice()
