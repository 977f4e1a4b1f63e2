"""Writes the conversations of the second training stage: the topics of write_corpus.py in far more varied wording.

The first stage teaches the answers; this one teaches that the subject decides, whatever stands around it: phrases before, after
and inside a question, unknown words, keyword queries, subject first or last, described subjects, and many requests to decline.
"""
import argparse
import json
import re
from pathlib import Path

from write_corpus import HERE, CorpusWriter, Turn, read_sections

SPLIT = " | "


class VariedWriter(CorpusWriter):
    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        sections = read_sections(folder / "noise.txt")
        self.words = " ".join(sections.pop("words")).split()
        self.noise = {name: [part for row in rows for part in row.split(SPLIT)] for name, rows in sections.items()}
        for kind in ("again", "example_again", "more", "next", "next_name"):
            self.carriers[kind] = self.carriers[kind] + self.noise[kind]
        self.described = {}
        for row in self.rows(folder / "described.txt"):
            name, questions = row.split(": ", 1)
            self.described[name] = questions.split(SPLIT)
        self.slots, self.requests = {}, []
        for row in self.rows(folder / "outside-templates.txt"):
            if row.startswith("= "):
                name, values = row[2:].split(": ", 1)
                self.slots[name] = values.split(SPLIT)
            else:
                self.requests.append(row.split(SPLIT))

    @staticmethod
    def rows(path):
        return [row for row in path.read_text().splitlines() if row and row[0] != "#"]

    # -- noise ---------------------------------------------------------------------------------------------------------
    def unknown_word(self):
        """A word of random letters, so that unknown pieces are no sign of anything."""
        pick = self.random
        return "".join(pick.choice("bcdfghjklmnprstvwz") + pick.choice(["a", "e", "i", "o", "u", "ea", "ou", "er", "in", "al"])
                       for _ in range(pick.randint(1, 3))) + pick.choice(["", "n", "s", "t", "ly", "ed", "ing", "y"])

    def noise_word(self):
        roll = self.random.random()
        if roll < 0.15:
            return self.unknown_word()
        return self.random.choice(self.fillers if roll < 0.4 else self.words)

    def phrase(self, kind):
        """A handwritten phrase, sometimes with one of its words exchanged, or a phrase of random words."""
        pick = self.random
        if pick.random() < 0.2:
            first = pick.choice(["in", "for", "with", "on", "at", "as", "like", "from", "by", "to", "about"])
            return " ".join([first, pick.choice(["a", "the", "my", "your", "this", "one"]),
                             *(self.noise_word() for _ in range(pick.randint(1, 2)))])
        words = pick.choice(self.noise[kind]).split(" ")
        if len(words) > 2 and pick.random() < 0.3:
            words[pick.randrange(len(words))] = self.noise_word()
        return " ".join(words)

    def with_noise(self, text):
        pick = self.random
        roll = pick.random()
        if roll < 0.17:
            text = self.phrase("before") + pick.choice([", ", ": ", " ", " - ", "... "]) + text
        elif roll < 0.36:
            text = text.rstrip("?. ") + pick.choice([", ", " ", " ", " - ", "? "]) + self.phrase("after")
        elif roll < 0.42:
            text = self.phrase("before") + ", " + text.rstrip("?. ") + " " + self.phrase("after")
        elif roll < 0.52:
            words = text.split(" ")
            words.insert(pick.randint(0, len(words)), self.phrase("adverbs"))
            text = " ".join(words)
        elif roll < 0.58:
            text = self.phrase("unrelated") + pick.choice([". ", ", ", " and ", "; ", "! "]) + text
        elif roll < 0.62:
            text = text.rstrip(".") + pick.choice(["? ", ". ", ", ", "... "]) + self.phrase("unrelated")
        elif roll < 0.70:
            words = text.split(" ")
            for _ in range(pick.randint(1, 3)):
                words.insert(pick.randint(0, len(words)), self.noise_word())
            text = " ".join(words)
        elif roll < 0.78:
            text = pick.choice(self.noise["frames_before"]) + " " + text
        return text

    def dress(self, text, plain=False):
        return super().dress(text if plain else self.with_noise(text), plain or self.random.random() < 0.6)

    # -- questions -----------------------------------------------------------------------------------------------------
    def asked(self, subject):
        """One of many thousand ways to ask about a named subject."""
        pick = self.random
        roll = pick.random()
        if roll < 0.22:
            opener, piece, preposition = (pick.choice(self.noise[name]) for name in ("openers", "pieces", "prepositions"))
            return f"{opener} {piece} {preposition} {subject}"
        if roll < 0.55:
            return f"{pick.choice(self.noise['questions_before'])} {subject}"
        if roll < 0.80:
            return f"{subject}{pick.choice([', ', ': ', ' - ', ' ', '? ', '... ', '. '])}{pick.choice(self.noise['questions_after'])}"
        if roll < 0.86:
            return f"{subject} {self.phrase('after')}"
        if roll < 0.92:
            return f"{pick.choice(self.noise['pieces'])} {pick.choice(self.noise['prepositions'])} {subject}"
        words = [self.noise_word() for _ in range(pick.randint(1, 9))]
        words.insert(pick.randint(0, len(words)), subject)
        return " ".join(words)

    def plain_turn(self, topic, wrap=None):
        pick = self.random
        roll = pick.random()
        if roll < 0.25 and topic.name in self.described:
            question = self.exchange_words(pick.choice(self.described[topic.name]))
        elif roll < 0.70 and topic.name != "chatgpt_works":
            question = self.asked(self.subject_name(topic))
        else:
            return super().plain_turn(topic, wrap)
        if wrap:
            question = wrap.format(q=question)
        index = pick.randrange(len(topic.answers))
        return Turn(self.dress(question, plain=bool(wrap) and pick.random() < 0.6), topic.answers[index], topic, index)

    def talk_turn(self, topic=None):
        topic = topic or self.random.choice(self.talk)
        if topic.name in self.described and self.random.random() < 0.4:
            question = self.exchange_words(self.random.choice(self.described[topic.name]))
            return Turn(self.dress(question, plain=self.random.random() < 0.5), self.random.choice(topic.answers), None)
        return super().talk_turn(topic)

    def lines_turn(self, topic):
        if self.random.random() < 0.4:
            return super().lines_turn(topic)
        pick, count = self.random, self.line_count()
        unit = pick.choice(self.noise["lines_units"])
        amount = f"{self.written_number(count)} {unit[:-1] if count == 1 else unit}"
        subject = self.subject_name(topic)
        roll = pick.random()
        if roll < 0.35:
            question = f"{pick.choice(self.noise['openers'])} {amount} {pick.choice(self.noise['prepositions'])} {subject}"
        elif roll < 0.75:
            tail = pick.choice(self.noise["lines_after"]).replace("{n} {u}", amount)
            question = self.asked(subject).rstrip("?") + pick.choice([", ", ". ", " ", ": "]) + tail
        elif roll < 0.9:
            question = f"{amount} {pick.choice(self.noise['prepositions'])} {subject}"
        else:
            question = f"{subject}: {amount}"
        return Turn(self.dress(question), self.lines_answer(topic, count), topic, -1)

    def outside_request(self):
        text = self.random.choice(self.random.choice(self.requests))
        return re.sub(r"\{(\w+)\}", lambda slot: self.random.choice(self.slots[slot[1]]), text)

    def outside_subject(self):
        pick = self.random
        roll = pick.random()
        if roll < 0.3:
            return pick.choice(self.outside_subjects)
        if roll < 0.5:
            names = ("place", "country", "food", "person", "sport", "science", "plant", "money", "illness", "about")
            return pick.choice(self.slots[pick.choice(names)])
        if roll < 0.65:
            return self.unknown_word()
        return pick.choice(["the ", "a ", "my ", "", ""]) + " ".join(pick.choice(self.words) for _ in range(pick.randint(1, 2)))

    def outside_turn(self, wrap=None):
        pick = self.random
        roll = pick.random()
        if roll < 0.15 and not wrap:
            return super().outside_turn()
        question = self.outside_request() if roll < 0.7 else self.asked(self.outside_subject())
        if roll > 0.92:
            question = pick.choice(self.carriers["plain"]).format(x=self.outside_subject())
        if pick.random() < 0.3:
            question = self.exchange_words(question)
        if wrap:
            question = wrap.format(q=question)
        return Turn(self.dress(question, plain=bool(wrap)), pick.choice(self.topics["fallback"].answers), None)

    def opening_turn(self):
        pick = self.random
        kind = pick.choices(["plain", "simple", "example", "lines", "compare", "talk", "outside"], [50, 4, 4, 9, 3, 13, 17])[0]
        if kind == "talk":
            return self.talk_turn()
        if kind == "outside":
            return self.outside_turn()
        if kind == "compare":
            return self.compare_turn()
        topic = pick.choice(self.subjects)
        if kind == "lines":
            return self.lines_turn(topic)
        return self.plain_turn(topic) if kind == "plain" else self.kind_turn(topic, kind)

    def following_turn(self, before):
        if self.random.random() < 0.06:
            return self.outside_turn(self.random.choice(self.carriers["next"]))
        return super().following_turn(before)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--count", type=int, default=110_000)
    options = parser.parse_args()
    writer = VariedWriter(HERE / "corpus", options.seed)
    with options.out.open("w") as out:
        for _ in range(options.count):
            out.write(json.dumps(writer.conversation()) + "\n")
    print(f"{options.count} varied conversations, {len(writer.topics)} topics -> {options.out}")


if __name__ == "__main__":
    main()
