"""Writes the training conversations: every random choice comes from one seed, so the file is the same on each run.

The handwritten part lies in corpus/. This script multiplies it: carrier phrases around subject names, politeness, casing,
punctuation, typing errors, system prompts, and follow-up turns that refer to the turn before.
"""
import argparse
import json
import random
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
NUMBER_WORDS = {1: "one", 2: "two", 3: "three", 4: "four", 5: "five"}
LINES_PER_TOPIC = 5
KEYBOARD = {a: b for a, b in zip("qwertyuiopasdfghjklzxcvbnm", "wqretyuoipsapdfghjlkxzvcbmn")}
# The model must not depend on exact words, so these are exchanged at random in questions.
SYNONYMS = {
    "model": ["llm", "ai", "language model", "network", "system"], "answer": ["reply", "response", "output"],
    "answers": ["replies", "responses"], "text": ["words", "sentences"], "make": ["create", "produce"],
    "chat": ["conversation", "dialogue"], "write": ["produce", "generate"], "which": ["what"], "how do i": ["how can i", "how to"],
    "the": ["the", "a", ""], "does": ["will", "would"], "why": ["how come", "for what reason"], "big": ["large", "huge"],
    "faster": ["quicker", "speedier"], "word": ["token", "term"], "computer": ["machine", "pc"], "i": ["we", "you", "one"],
}


@dataclass
class Topic:
    name: str
    kind: str = "mass"
    names: list = field(default_factory=list)
    questions: list = field(default_factory=list)
    answers: list = field(default_factory=list)
    simple: list = field(default_factory=list)
    example: list = field(default_factory=list)
    lines: list = field(default_factory=list)


@dataclass
class Turn:
    """What a user turn asks for, and what the assistant says."""
    question: str
    answer: str
    topic: Topic | None
    answer_index: int = 0


def read_topics(folder):
    topics = {}
    single = {"k": "kind"}
    many = {"n": "names", "q": "questions"}
    texts = {"a": "answers", "s": "simple", "e": "example", "l": "lines"}
    for path in sorted(folder.glob("*.topics")):
        for row in path.read_text().splitlines():
            if not row.strip() or row.startswith("#"):
                continue
            key, value = row[0], row[2:].strip()
            if key == "=":
                topic = topics[value] = Topic(value)
            elif key in single:
                setattr(topic, single[key], value)
            elif key in many:
                getattr(topic, many[key]).extend(part.strip() for part in value.split("|"))
            else:
                getattr(topic, texts[key]).append(value)
    return topics


def read_sections(path):
    sections, current = {}, None
    for row in path.read_text().splitlines():
        if row.startswith("["):
            current = sections[row[1:-1]] = []
        elif row and not row.startswith("#"):
            current.append(row)
    return sections


class CorpusWriter:
    def __init__(self, folder, seed):
        self.random = random.Random(seed)
        self.topics = read_topics(folder)
        self.carriers = read_sections(folder / "carriers.txt")
        self.systems = [row for row in (folder / "systems.txt").read_text().splitlines() if row and row[0] != "#"]
        self.related = [row.split() for row in (folder / "related.txt").read_text().splitlines() if row and row[0] != "#"]
        self.fillers = [word for row in (folder / "fillers.txt").read_text().splitlines() if row[0] != "#" for word in row.split()]
        self.first_names = (folder / "first-names.txt").read_text().split()
        self.cues = {row.split(":", 1)[0]: [cue.strip() for cue in row.split(":", 1)[1].split("|")]
                     for row in (folder / "cues.txt").read_text().splitlines() if row and row[0] != "#"}
        self.outside_requests, self.outside_subjects = [], []
        for row in (folder / "outside.txt").read_text().splitlines():
            if row and row[0] != "#":
                target = self.outside_requests if row[0] == "?" else self.outside_subjects
                target.extend(part.strip() for part in row.removeprefix("? ").split("|"))
        self.subjects = [topic for topic in self.topics.values() if topic.kind != "talk"]
        self.talk = [topic for topic in self.topics.values() if topic.kind == "talk" and topic.questions and topic.name != "not_yet"]

    # -- names and wording ---------------------------------------------------------------------------------------------
    def subject_name(self, topic):
        pick = self.random
        name = pick.choice(topic.names[:3]) if pick.random() < 0.5 else pick.choice(topic.names)
        if name.startswith(("the ", "a ", "an ")):
            return name
        roll = pick.random()
        if topic.kind == "thing":
            plural = name.endswith("s")
            if roll < 0.35 and not plural:
                name = ("an " if name[0].lower() in "aeio" else "a ") + name
            elif roll < 0.55:
                name = "the " + name
            elif roll < 0.65 and not plural:
                name += "s"
        elif topic.kind == "file":
            if roll < 0.2:
                name = "the file " + name
            elif roll < 0.35 and "file" not in name:
                name = "the " + name + " file"
            elif roll < 0.5:
                name = "the " + name
        elif roll < 0.08:
            name = "the " + name
        if pick.random() < 0.04:
            name = '"' + name + '"'
        return name

    def typing_error(self, text):
        """One slip of the fingers in a word of at least four letters."""
        words = text.split(" ")
        long_words = [index for index, word in enumerate(words) if len(word) > 3 and word.isalpha()]
        if not long_words:
            return text
        index = self.random.choice(long_words)
        word = words[index]
        at = self.random.randrange(1, len(word) - 1)
        slip = self.random.randrange(4)
        if slip == 0:
            word = word[:at] + word[at + 1] + word[at] + word[at + 2:]
        elif slip == 1:
            word = word[:at] + word[at + 1:]
        elif slip == 2:
            word = word[:at] + word[at] + word[at:]
        else:
            word = word[:at] + KEYBOARD.get(word[at].lower(), "e") + word[at + 1:]
        words[index] = word
        return " ".join(words)

    def exchange_words(self, text):
        for old, new in SYNONYMS.items():
            padded = f" {text} "
            if f" {old} " in padded and self.random.random() < 0.15:
                text = " ".join(padded.replace(f" {old} ", f" {self.random.choice(new)} ", 1).split())
        words = text.split(" ")
        if len(words) > 4 and self.random.random() < 0.3:
            # Mostly short words are dropped: they seldom carry the subject.
            limit = 3 if self.random.random() < 0.7 else 99
            short = [index for index, word in enumerate(words) if len(word) <= limit and word.isalpha()]
            if short:
                del words[self.random.choice(short)]
        return " ".join(words)

    def dress(self, text, plain=False):
        """Politeness, casing, punctuation and slips, as people type."""
        pick = self.random
        if not plain:
            if pick.random() < 0.18:
                text = pick.choice(self.carriers["prefix"]) + " " + text
            if pick.random() < 0.12:
                text = text.rstrip("?") + pick.choice([" ", ", "]) + pick.choice(self.carriers["suffix"])
        roll = pick.random()
        if roll < 0.4:
            text = text[:1].upper() + text[1:]
        elif roll < 0.6:
            text = text.lower()
        elif roll < 0.63:
            text = text.upper()
        elif roll < 0.66:
            text = text.title()
        if pick.random() < 0.15:
            text = self.typing_error(text)
            if pick.random() < 0.3:
                text = self.typing_error(text)
        if pick.random() < 0.06:
            text = text.replace("'", "")
        if not text.endswith(("?", "!", ".")):
            text += pick.choices(["", "?", ".", "!", "??", " ?", "...", " :)"], [40, 38, 12, 3, 2, 2, 2, 1])[0]
        return text

    # -- single turns --------------------------------------------------------------------------------------------------
    def allowed(self, carrier, topic):
        works = "work" in carrier
        if topic.name == "chatgpt_works":
            return carrier.startswith(("explain {x}", "tell me about", "describe {x}", "can you explain {x}")) and not works
        # How ChatGPT or Parley works has a topic of its own.
        return not (works and topic.name in ("chatgpt", "parley"))

    def carried(self, kind, topic, **values):
        carrier = self.random.choice(self.carriers[kind])
        while not self.allowed(carrier, topic):
            carrier = self.random.choice(self.carriers["plain"])
        text = carrier.format(x=self.subject_name(topic), **values)
        if self.random.random() < 0.13 and kind in ("plain", "lines", "simple") and topic.name not in ("language_model", "chatgpt", "chatgpt_works"):
            text = text.rstrip("?") + " " + self.random.choice(self.carriers["context"])
        return text

    def surrounded(self, subject):
        """The subject among random everyday words: no sentence, but it teaches that the subject decides."""
        pick = self.random
        before = [pick.choice(self.fillers) for _ in range(pick.randint(1, 6))]
        after = [pick.choice(self.fillers) for _ in range(pick.choice([0, 0, 0, 1, 2, 3]))]
        return " ".join([*before, subject, *after])

    def hinted(self, topic, least=2):
        """Words that point to the topic without its name, between everyday words."""
        pick = self.random
        cues = pick.sample(self.cues[topic.name], least + (pick.random() < 0.25))
        parts = [pick.choice(self.carriers["starts"])] if pick.random() < 0.7 else []
        for cue in cues:
            parts.extend(pick.choice(self.fillers) for _ in range(pick.choice([0, 0, 1, 1, 2, 3])))
            parts.append(cue)
        parts.extend(pick.choice(self.fillers) for _ in range(pick.choice([0, 0, 0, 1, 2])))
        return " ".join(parts)

    def plain_turn(self, topic, wrap=None):
        index = self.random.randrange(len(topic.answers))
        roll = self.random.random()
        if roll < 0.34:
            question = self.exchange_words(self.random.choice(topic.questions))
        elif roll < 0.56:
            question = self.hinted(topic)
        elif roll < 0.66 and topic.name != "chatgpt_works":
            question = self.surrounded(self.subject_name(topic))
        else:
            question = self.carried("plain", topic)
        if wrap:
            question = wrap.format(q=question)
        return Turn(self.dress(question, plain=bool(wrap)), topic.answers[index], topic, index)

    def kind_turn(self, topic, kind):
        answer = getattr(topic, kind)[0]
        return Turn(self.dress(self.carried(kind, topic)), answer, topic, -1)

    def line_count(self):
        return self.random.choices([1, 2, 3, 4, 5, 6, 7, 8, 10], [5, 15, 40, 16, 18, 2, 1, 1, 2])[0]

    def lines_answer(self, topic, count):
        lines = "\n".join(topic.lines[:count])
        return lines if count <= LINES_PER_TOPIC else "I can write five lines about this:\n" + lines

    def written_number(self, count):
        return NUMBER_WORDS.get(count, str(count)) if self.random.random() < 0.3 else str(count)

    def lines_turn(self, topic):
        count = self.line_count()
        question = self.carried("lines", topic, n=self.written_number(count))
        if count == 1:
            question = question.replace("lines", "line").replace("sentences", "sentence").replace("facts", "fact")
        return Turn(self.dress(question), self.lines_answer(topic, count), topic, -1)

    def compare_turn(self):
        names = list(self.random.choice(self.related))
        self.random.shuffle(names)
        first, second = (self.topics[name] for name in names)
        carrier = self.random.choice(self.carriers["compare"])
        question = carrier.format(x=self.subject_name(first), y=self.subject_name(second))
        return Turn(self.dress(question), first.lines[0] + " " + second.lines[0], second, -1)

    def talk_turn(self, topic=None):
        topic = topic or self.random.choice(self.talk)
        question = self.random.choice(topic.questions)
        roll = self.random.random()
        if roll < 0.3:
            question = self.exchange_words(question)
        elif roll < 0.6 and topic.name in self.cues:
            question = self.hinted(topic, least=1)
        elif topic.name == "user_name":
            question = f"{self.random.choice(['my name is', 'i am', 'call me', 'i am called'])} {self.random.choice(self.first_names)}"
        index = self.random.randrange(len(topic.answers))
        return Turn(self.dress(question, plain=len(question) < 12 or self.random.random() < 0.5), topic.answers[index], None)

    def invented_word(self):
        syllables = ["ba", "cor", "di", "fel", "gra", "hu", "jo", "ka", "lum", "mer", "no", "pli", "qua", "ro", "sta", "tu", "vi", "wex", "yo", "zan"]
        return "".join(self.random.choice(syllables) for _ in range(self.random.randint(2, 4)))

    def outside_turn(self):
        topic = self.topics["fallback"]
        if self.random.random() < 0.45:
            question = self.exchange_words(self.random.choice(self.outside_requests))
        else:
            subject = self.invented_word() if self.random.random() < 0.12 else self.random.choice(self.outside_subjects)
            kind = self.random.choices(["plain", "simple", "example", "lines"], [70, 8, 6, 16])[0]
            question = self.random.choice(self.carriers[kind]).format(x=subject, n=self.written_number(self.line_count()))
            if self.random.random() < 0.2:
                question = self.surrounded(subject)
        return Turn(self.dress(question), self.random.choice(topic.answers), None)

    def opening_turn(self):
        kind = self.random.choices(["plain", "simple", "example", "lines", "compare", "talk", "outside"], [52, 6, 5, 11, 4, 13, 9])[0]
        if kind == "talk":
            return self.talk_turn()
        if kind == "outside":
            return self.outside_turn()
        if kind == "compare":
            return self.compare_turn()
        topic = self.random.choice(self.subjects)
        if kind == "lines":
            return self.lines_turn(topic)
        return self.plain_turn(topic) if kind == "plain" else self.kind_turn(topic, kind)

    # -- conversations -------------------------------------------------------------------------------------------------
    def following_turn(self, before):
        """A turn that refers to the one before, or one on something new."""
        pick = self.random
        topic = before.topic
        kind = pick.choices(["again", "example_again", "more", "lines_again", "next", "next_name", "opening", "thanks"],
                            [21, 13, 13, 5, 16, 8, 16, 8])[0]
        if kind == "thanks":
            return self.talk_turn(self.topics[pick.choice(["thanks", "goodbye", "praise"])])
        if kind == "opening":
            return self.opening_turn()
        if kind == "next":
            return self.plain_turn(pick.choice(self.subjects), pick.choice(self.carriers["next"]))
        if kind == "next_name":
            new = pick.choice([subject for subject in self.subjects if subject.name != "chatgpt_works"])
            return self.next_name_turn(new)
        if topic is None:
            return Turn(self.dress(pick.choice(self.carriers[pick.choice(["again", "example_again", "more"])]), plain=True),
                        self.topics["not_yet"].answers[0], None)
        if kind == "lines_again":
            count = pick.randint(2, LINES_PER_TOPIC)
            question = pick.choice(self.carriers[kind]).format(n=self.written_number(count))
            return Turn(self.dress(question), self.lines_answer(topic, count), topic, -1)
        question = self.dress(pick.choice(self.carriers[kind]), plain=pick.random() < 0.7)
        if kind == "again":
            return Turn(question, topic.simple[0], topic, before.answer_index)
        if kind == "example_again":
            return Turn(question, topic.example[0], topic, before.answer_index)
        # "Tell me more" gives the other answer than the one given before.
        index = 1 - before.answer_index if before.answer_index in (0, 1) else 1
        return Turn(question, topic.answers[index], topic, index)

    def next_name_turn(self, topic):
        index = self.random.randrange(len(topic.answers))
        question = self.random.choice(self.carriers["next_name"]).format(x=self.subject_name(topic))
        return Turn(self.dress(question, plain=True), topic.answers[index], topic, index)

    def system_prompt(self):
        pick = self.random
        roll = pick.random()
        if roll < 0.5:
            return None
        if roll < 0.62:
            return self.systems[0]
        if roll < 0.85:
            return pick.choice(self.systems)
        text = " ".join(pick.sample(self.systems, pick.randint(2, 3)))
        return text if pick.random() < 0.7 else text + f" You also know about {pick.choice(self.outside_subjects)}."

    def conversation(self):
        turns = []
        if self.random.random() < 0.04:
            turns.append(self.talk_turn(self.topics["not_yet"]))
        else:
            turns.append(self.opening_turn())
        # Most talks are short; a few are long, so that distant positions are trained too.
        extra = self.random.choices([0, 1, 2, 3, 5, 9], [50, 27, 13, 6, 3, 1])[0]
        for _ in range(extra):
            turns.append(self.following_turn(turns[-1]))
        messages = []
        system = self.system_prompt()
        if system:
            messages.append({"role": "system", "content": system})
        for turn in turns:
            messages.append({"role": "user", "content": turn.question})
            messages.append({"role": "assistant", "content": turn.answer})
        return messages


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=20261123)
    parser.add_argument("--count", type=int, default=280_000)
    options = parser.parse_args()
    writer = CorpusWriter(HERE / "corpus", options.seed)
    with options.out.open("w") as out:
        for _ in range(options.count):
            out.write(json.dumps(writer.conversation()) + "\n")
    print(f"{options.count} conversations, {len(writer.topics)} topics -> {options.out}")


if __name__ == "__main__":
    main()
