"""Scores an exported model folder with greedy decoding on questions that do not stand in the corpus.

The files in FILES: topic, optional marks, turns separated by ||. The last turn is scored, the model's own answers stand
between. The first file was used while the corpus grew; each other one was written after the corpus of its day was closed, as
README.md says in full.
  @lines=N  the answer must have exactly N lines
  @again    the answer must differ from all answers before it in the conversation
An answer is on topic when it has at least "needed" of the topic's words (topic-words.json).
"""
import argparse
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from export import load_folder
from topic_words import words_of
from write_corpus import read_topics

HERE = Path(__file__).parent
SEED_SYSTEM = ("You are an intelligent assistant trained to follow user instructions and provide accurate, concise, and "
               "helpful responses.")
FILES = ("questions.tsv", "questions-fresh.tsv", "questions-last.tsv", "questions-round2.tsv")
SYSTEMS = [None, SEED_SYSTEM, "You are a calm librarian. Speak clearly.", None, "You are a helpful assistant."]


def folded(text):
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def read_questions(path):
    for row in path.read_text().splitlines():
        if not row.strip():
            continue
        topic, *marks, turns = row.split("\t")
        yield topic, marks, [turn.strip() for turn in turns.split("||")]


def reject_known_questions(questions, corpus):
    """A scored question must not stand in a corpus, whatever its case and punctuation."""
    scored = {folded(turns[-1]) for _, _, turns in questions}
    known = Counter()
    with corpus.open() as rows:
        for row in rows:
            for message in json.loads(row):
                if message["role"] == "user" and folded(message["content"]) in scored:
                    known[folded(message["content"])] += 1
    if known:
        sys.exit("these questions stand in the corpus:\n" + "\n".join(f"{count:5d} {text}" for text, count in known.items()))


class Answerer:
    def __init__(self, folder):
        self.model, self.tokenizer = load_folder(folder)
        self.end = self.tokenizer.special["<|end|>"]

    def answer(self, messages):
        ids, _ = self.tokenizer.encode_chat(messages, add_generation_prompt=True)
        return self.tokenizer.decode(self.model.greedy(ids, self.end)).strip()

    def talk(self, turns, system=None):
        messages = [{"role": "system", "content": system}] if system else []
        answers = []
        for turn in turns:
            messages.append({"role": "user", "content": turn})
            answers.append(self.answer(messages))
            messages.append({"role": "assistant", "content": answers[-1]})
        return answers


def is_right(answers, marks, words, needed):
    answer = answers[-1]
    for mark in marks:
        if mark == "@again" and answer in answers[:-1]:
            return False
        if mark.startswith("@lines=") and len(answer.splitlines()) != int(mark[7:]):
            return False
    return len(words_of(answer) & set(words)) >= needed


def show(answerer):
    """A few conversations to read, among them the one of the project's first example."""
    talks = [(None, ["hello"]), (None, ["who are you"]), (None, ["what is a kv cache"]), (None, ["how does ChatGPT work"]),
             (SEED_SYSTEM, ["write 3 lines about transfromers in llms"]), (None, ["what is temperature?", "explain that again"])]
    for system, turns in talks:
        for turn, answer in zip(turns, answerer.talk(turns, system)):
            print(f"> {turn}\n{answer}\n")


class Judge:
    def __init__(self):
        self.topics = read_topics(HERE / "corpus")
        rule = json.loads((HERE / "topic-words.json").read_text())
        self.needed, self.words = rule["needed"], rule["topics"]
        self.written = {text for topic in self.topics.values() for text in [*topic.answers, *topic.simple, *topic.example]}

    def kind(self, topic, marks, turns):
        if len(turns) > 1:
            return "several turns"
        if marks:
            return "N lines"
        if topic == "fallback":
            return "outside"
        return "small talk" if self.topics[topic].kind == "talk" else "subject"

    def is_right(self, topic, marks, answers):
        return is_right(answers, marks, self.words[topic], self.needed)

    def is_written(self, topic, answer):
        return answer in self.written or set(answer.splitlines()) <= set(self.topics[topic].lines)


def score_file(questions, answerer, judge, quiet):
    right, verbatim, by_kind = 0, 0, defaultdict(list)
    for number, (topic, marks, turns) in enumerate(questions):
        answers = answerer.talk(turns, SYSTEMS[number % len(SYSTEMS)])
        good = judge.is_right(topic, marks, answers)
        by_kind[judge.kind(topic, marks, turns)].append(good)
        right += good
        verbatim += judge.is_written(topic, answers[-1])
        if not good and not quiet:
            print(f"WRONG {topic} {' '.join(marks)}: {' || '.join(turns)}\n      {answers[-1]!r}")
    print(f"on topic: {right} of {len(questions)} = {right / len(questions):.1%}; "
          f"word for word a written answer: {verbatim / len(questions):.1%}")
    for kind, results in by_kind.items():
        print(f"  {kind}: {sum(results)} of {len(results)}")
    return right


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, nargs="+", default=[], help="check first that no question stands in these")
    parser.add_argument("--quiet", action="store_true", help="do not print wrong answers")
    options = parser.parse_args()
    files = {name: list(read_questions(HERE / name)) for name in FILES}
    total = sum(len(questions) for questions in files.values())
    for corpus in options.corpus:
        reject_known_questions([question for questions in files.values() for question in questions], corpus)
        print(f"none of the {total} questions stands in {corpus}")
    answerer, judge, right = Answerer(options.model), Judge(), 0
    for name, questions in files.items():
        print(f"-- {name}")
        right += score_file(questions, answerer, judge, options.quiet)
    print(f"all files: {right} of {total} = {right / total:.1%}")
    show(answerer)


if __name__ == "__main__":
    main()
