"""Other people's clients draw through the HTTP door of the real program.

Run by hand: pip install openai webuiapi, then
    python3 tests/tools/serve_clients.py target/release/lumina-studio
"""

import base64
import io
import os
import signal
import subprocess
import sys
import threading
import time

import openai
import webuiapi
from PIL import Image, ImageChops

SIZE = "96x160"


def picture(b64):
    return Image.open(io.BytesIO(base64.b64decode(b64)))


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return ("picture.png", file.getvalue(), "image/png")


def with_openai(url, token):
    client = openai.OpenAI(base_url=f"{url}/v1", api_key=token)
    model = client.models.list().data[0].id
    answer = client.images.generate(model=model, prompt="a red apple", size=SIZE, n=2, extra_body={"seed": 7})
    first, second = [picture(data.b64_json) for data in answer.data]
    assert first.size == second.size == (96, 160) and first.tobytes() != second.tobytes()
    assert "Seed: 7" in first.text["parameters"], first.text
    print("openai generates", first.size)

    url_answer = client.images.generate(model=model, prompt="a red apple", size=SIZE, response_format="url")
    assert url_answer.data[0].url.startswith(url)
    print("openai gets an address")

    source = first.convert("RGB")
    mask = Image.new("RGBA", source.size, (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 48, 80))
    edited = client.images.edit(
        model=model, image=png(source), mask=png(mask), prompt="a yellow banana", extra_body={"seed": 1}
    )
    edited = picture(edited.data[0].b64_json).convert("RGB")
    changed = ImageChops.difference(source, edited).getbbox()
    assert changed is not None and changed[2] <= 48 and changed[3] <= 80, changed
    print("openai edits", changed)

    names = []
    stream = client.images.generate(
        model=model, prompt="a red apple", size=SIZE, stream=True, partial_images=2, extra_body={"seed": 7}
    )
    for event in stream:
        names.append(event.type)
        last = picture(event.b64_json)
    assert names == ["image_generation.partial_image"] * 2 + ["image_generation.completed"], names
    assert last.tobytes() == first.tobytes()
    names = [
        event.type
        for event in client.images.edit(
            model=model, image=png(source), mask=png(mask), prompt="a yellow banana", stream=True, partial_images=1
        )
    ]
    assert names == ["image_edit.partial_image", "image_edit.completed"], names
    print("openai streams", len(names))

    for wrong, kind in [
        (lambda: client.images.generate(model=model, prompt="a red apple", size="1024x1024"), openai.BadRequestError),
        (lambda: client.images.generate(model=model, prompt="the theory of relativity"), openai.BadRequestError),
        (lambda: openai.OpenAI(base_url=f"{url}/v1", api_key="wrong").models.list(), openai.AuthenticationError),
    ]:
        try:
            wrong()
        except kind as error:
            print("openai is told:", error.body["message"][:90])
        else:
            raise AssertionError(kind)


def with_webuiapi(url, token):
    host, port = url.split("//")[1].split(":")
    api = webuiapi.WebUIApi(host=host, port=int(port), username="any", password=token)
    assert api.util_get_current_model() == api.util_get_model_names()[0]
    api.set_options({"sd_model_checkpoint": api.util_get_current_model()})
    api.util_wait_for_ready(check_interval=0.1)
    result = api.txt2img(prompt="a red apple", negative_prompt="blurry", seed=7, width=96, height=160, cfg_scale=4)
    assert result.image.size == (96, 160) and result.info["seed"] == 7, result.info
    assert "negative_prompt" in result.info["ignored"], result.info
    print("webuiapi draws", result.image.size, "and is told:", result.info["notes"][0][:90])

    done = []
    draw = lambda: done.append(api.txt2img(prompt="a red apple", width=256, height=256, batch_size=4))
    thread = threading.Thread(target=draw)
    thread.start()
    watcher = webuiapi.WebUIApi(host=host, port=int(port), username="any", password=token)
    while (far := watcher.get_progress())["progress"] < 0.05:
        time.sleep(0.05)
    shown = picture(far["current_image"])
    watcher.interrupt()
    thread.join()
    assert shown.size == (256, 256) and done[0].info["interrupted"], done
    print("webuiapi watches", round(far["progress"], 2), "and interrupts:", done[0].image.size)

    try:
        api.txt2img(prompt="a red apple")
    except RuntimeError as error:
        print("webuiapi is told:", str(error)[:90])
    else:
        raise AssertionError("512x512 was drawn")


def main():
    program = os.path.abspath(sys.argv[1])
    server = subprocess.Popen([program, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().strip()
        token = server.stdout.readline().split()[1]
        with_openai(url, token)
        with_webuiapi(url, token)
    finally:
        server.send_signal(signal.SIGINT)
    assert server.wait(30) == 0
    print("all done")


main()
