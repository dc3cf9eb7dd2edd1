"""What the Spanish-speaking demo school tells the public."""


def profile(name: str) -> dict[str, str]:
    return {
        "hero_title": f"Bienvenidos al {name}",
        "hero_text": "Un colegio de barrio donde conocemos a cada alumno por su nombre.",
        "about": (
            f"El {name} educa a las niñas y los niños del barrio desde 1961. Hoy somos unos "
            "trescientos alumnos, de primero a sexto de primaria.\n\n"
            "## Lo que nos importa\n\n"
            "- **Leer cada día.** Todas las clases empiezan con veinte minutos de lectura.\n"
            "- **Aprender al aire libre.** El huerto es nuestra aula de ciencias.\n"
            "- **Música para todos.** En tercero, cada alumno aprende un instrumento.\n"
        ),
        "principal": "Isabel Navarro",
        "hours": "De lunes a jueves, de 8:30 a 16:30\nViernes, de 8:30 a 14:00",
    }


def contact_details(slug: str) -> dict[str, str]:
    """For the school's settings."""
    return {
        "address": "Calle de los Olivos, 18\n28012 Madrid",
        "contact_phone": "+34 910 555 018",
        "contact_email": f"secretaria@{slug}.example",
    }


PAGES = [
    (
        "Admisión",
        "Admitimos alumnos nuevos durante todo el curso.\n\n"
        "## Cómo solicitar plaza\n\n"
        "1. Visítenos: hay visita guiada el primer martes de cada mes a las 9:30.\n"
        "2. Traiga el certificado de empadronamiento, el libro de familia y la cartilla de "
        "vacunación.\n"
        "3. Le respondemos en una semana.\n\n"
        "¿Dudas? Escriba o llame a secretaría.",
    ),
    (
        "Horario",
        "| Hora | Actividad |\n| --- | --- |\n| 7:45 | Aula matinal y desayuno |\n"
        "| 9:00 | Primera clase |\n| 12:30 | Comedor y patio |\n| 16:00 | Fin de las clases |\n"
        "| 16:15 a 18:00 | Actividades extraescolares |\n\n"
        "Si su hijo está enfermo, avise a secretaría antes de las 9:15.",
    ),
    (
        "Cuotas y pagos",
        "Las facturas se envían por correo electrónico al principio de cada trimestre. El enlace "
        "del mensaje abre la cuenta de su familia: en ella verá a todos sus hijos y podrá pagar al "
        "momento, **sin contraseña**.\n\n¿Necesita pagar a plazos? Hable con administración: "
        "encontraremos una solución.",
    ),
]

STAFF = [
    ("Isabel Navarro", "Directora"),
    ("Lucía Herrero", "Secretaría"),
    ("Javier Molina", "Administración"),
    ("Andrés Gil", "6.º de primaria, matemáticas"),
    ("Álvaro Núñez", "5.º de primaria, ciencias y huerto"),
    ("Elena Ferrer", "4.º de primaria, música"),
    ("Pablo Lozano", "3.º de primaria, educación física"),
    ("Marta Soler", "2.º de primaria, inglés"),
    ("Inés Calvo", "1.º de primaria"),
    ("Teresa Rubio", "Orientadora"),
]

NEWS = [
    (
        "Concierto de invierno: entrada libre",
        "Cantan el coro y los de tercero, y por primera vez toca nuestro **grupo de cuerda**. Será "
        "en el gimnasio; abrimos media hora antes.\n\nAbuelos, vecinos y hermanos pequeños son "
        "bienvenidos. Las familias de sexto venden chocolate para el viaje de fin de curso.",
        "Elena Ferrer",
    ),
    (
        "Segundo premio en la olimpiada matemática",
        "Seis alumnos de sexto han vuelto con la medalla de plata. La final se decidió en el "
        "desempate y todo el autobús volvió cantando. ¡Enhorabuena a todos!",
        "Isabel Navarro",
    ),
    (
        "Objetos perdidos: ya no caben",
        "Hay *once* guantes izquierdos, cuatro fiambreras y una boquilla de trompeta. Todo está en "
        "la mesa de secretaría hasta el viernes de la semana que viene.",
        "Lucía Herrero",
    ),
    (
        "Repetimos las fotos",
        "¿Su hijo salió con los ojos cerrados? El fotógrafo vuelve el miércoles a las 9:15. "
        "Traiga las copias antiguas y se las cambiamos sin coste.",
        "Secretaría",
    ),
    (
        "Tercero visita la depuradora",
        "¿Adónde va el agua? Los alumnos de tercero la siguieron desde el desagüe hasta el río. Lo "
        "que más gustó: el microscopio y los cascos.\n\nLos murales están en el pasillo de arriba.",
        "Pablo Lozano",
    ),
    (
        "Entrada por la calle de los Olivos",
        "El ayuntamiento arregla la acera de la calle Mayor. Durante dos semanas, la entrada y la "
        "salida serán por la **calle de los Olivos**.",
        "Lucía Herrero",
    ),
    (
        "Novedades en la biblioteca: cómics",
        "Gracias a la feria del libro hemos comprado sesenta y dos libros, casi todos del buzón de "
        "sugerencias. Ahora se pueden tomar prestados tres a la vez.",
        "Biblioteca",
    ),
    (
        "Vuelve a haber plazas en ajedrez",
        "El club se muda a un aula más grande y admite a ocho jugadores más, también "
        "principiantes. Las familias se apuntan desde su cuenta.",
        "Andrés Gil",
    ),
    (
        "Reunión de familias: lo más preguntado",
        "Gracias a las noventa familias que vinieron.\n\n"
        "- **Deberes**: veinte minutos hasta tercero, cuarenta de cuarto a sexto.\n"
        "- **Móviles**: apagados y en la mochila.\n"
        "- **Comedor**: cada día hay una opción vegetariana.",
        "Isabel Navarro",
    ),
    (
        "Gripe: cuándo quedarse en casa",
        "Los niños con fiebre deben quedarse en casa hasta pasar un día entero sin ella. Por "
        "favor, avise a secretaría antes de las 9:15.",
        "Secretaría",
    ),
    (
        "El huerto ha dado 65 kilos de calabazas",
        "Los de segundo las pesaron una a una e hicieron la gráfica. Los de cuarto cocinaron crema "
        "para todo el colegio. La receta está en secretaría.",
        "Álvaro Núñez",
    ),
    (
        "Damos la bienvenida a cuatro alumnos",
        "Amara, Leo, Jin y Beatriz se han incorporado este mes. Sus compañeros ya les han enseñado "
        "los dos lugares más importantes: la biblioteca y el rocódromo.",
        "Secretaría",
    ),
]
